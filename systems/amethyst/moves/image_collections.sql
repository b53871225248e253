select c.id, c.user_id, c.name, c.description, c.is_public, c.created_at,
       coalesce(c.updated_at, c.created_at) as updated_at
from image_collections c
join auth.users a on a.id = c.user_id
