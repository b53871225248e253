select r.id, r.user_id, r.image_id, r.name, r.purpose, coalesce(r.strength, 0.5) as strength,
       r.created_at
from reference_images r
join auth.users a on a.id = r.user_id
