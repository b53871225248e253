select p.id, p.user_id, p.text, p.negative_text, p.tags, p.weights, p.is_favorite, p.use_count,
       p.created_at
from prompts p
