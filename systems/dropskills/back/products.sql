-- Every pack that was no pack of V1: its products, and what V2 made. creator_id is not in V2 and keeps
-- its value; visibility says what the status says, as far as V2 changed it.
select
  p.id,
  p.title,
  p.description,
  p.cover_image_url as image_url,
  p.price,
  case when p.status = 'PUBLISHED' then 'PUBLIC' else 'PRIVATE' end as visibility,
  case when p.status = 'ARCHIVED' then 'archived' else p.status end as status,
  p.category_id,
  p.published_at,
  nullif(p.created_at, timestamptz '1970-01-01 00:00:00+00') as created_at,
  nullif(p.updated_at, timestamptz '1970-01-01 00:00:00+00') as updated_at
from packs p
left join pack_slug s on s.source = 'pack' and s.id = p.id
where s.id is null
