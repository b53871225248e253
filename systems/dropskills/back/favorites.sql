select
  f.user_id,
  f.pack_id as product_id,
  nullif(f.created_at, timestamptz '1970-01-01 00:00:00+00') as created_at
from favorites f
left join pack_slug s on s.source = 'pack' and s.id = f.pack_id
where s.id is null
