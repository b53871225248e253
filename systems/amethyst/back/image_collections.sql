select c.id, c.user_id, c.name, c.description, c.is_public, c.created_at, c.updated_at
from image_collections c
