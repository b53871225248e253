select m.id, m.image_id, m.content_embedding, m.style_embedding, m.color_embedding,
       coalesce(m.labels, '{}') as labels, coalesce(m.analysis, '{}') as analysis, m.created_at,
       coalesce(m.updated_at, m.created_at) as updated_at
from image_metadata m
