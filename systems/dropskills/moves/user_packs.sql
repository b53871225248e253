-- Who owns what. V1 knows neither when nor for how much: those columns take their defaults.
select r.value as id, o."B" as user_id, o."A" as pack_id
from "_UserPacks" o
left join user_pack_id r on r.pack_id = o."A" and r.user_id = o."B"
