select r.id, r.user_id, r.image_id, r.name, r.purpose, r.strength, r.created_at from reference_images r
