select p.id, p.user_id, p.text, p.negative_text, coalesce(p.tags, '{}') as tags,
       coalesce(p.weights, '{1.0}') as weights, coalesce(p.is_favorite, false) as is_favorite,
       coalesce(p.use_count, 0) as use_count, p.created_at, p.created_at as updated_at
from prompts p
join auth.users a on a.id = p.user_id
