-- Neither of a collection that is left behind nor with an image that is.
select l.collection_id, l.image_id, l.position, l.added_at
from collection_images l
join image_collections c on c.id = l.collection_id
join auth.users a on a.id = c.user_id
join generated_images g on g.id = l.image_id
join auth.users b on b.id = g.user_id
