select
  p.id,
  p.title as name,
  p.description,
  p.price::double precision as price,
  p.created_at,
  p.updated_at
from packs p
join pack_slug s on s.source = 'pack' and s.id = p.id
