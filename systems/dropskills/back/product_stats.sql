select
  t.pack_id as product_id,
  t.views_count as views,
  t.samples_downloads as downloads,
  t.purchases_count as purchases,
  t.last_viewed_at
from pack_stats t
left join pack_slug s on s.source = 'pack' and s.id = t.pack_id
where s.id is null
