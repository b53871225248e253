select o."A" as pack_id, o."B" as user_id from "_UserPacks" o
