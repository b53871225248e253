-- Tags of ideas are what V1 held, whole: JSON, or {"raw": text} and nothing else beside it.
select id, tags
from trending_ideas
where tags ? 'raw' and jsonb_typeof(tags) = 'object'
  and (jsonb_typeof(tags -> 'raw') <> 'string' or (select count(*) from jsonb_object_keys(tags)) <> 1)
