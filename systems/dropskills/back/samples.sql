select
  m.id,
  m.pack_id as product_id,
  m.title,
  m.file_url,
  nullif(m.created_at, timestamptz '1970-01-01 00:00:00+00') as created_at
from samples m
left join pack_slug s on s.source = 'pack' and s.id = m.pack_id
where s.id is null
