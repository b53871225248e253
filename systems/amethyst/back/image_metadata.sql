select m.id, m.image_id, m.content_embedding, m.style_embedding, m.color_embedding, m.labels,
       m.analysis, m.created_at, m.updated_at
from image_embeddings m
