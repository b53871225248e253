-- One line per pack, also where V1 kept no statistics. Favourites are counted; V1 counted the
-- purchases of products itself, those of packs are their owners.
select
  p.id as pack_id,
  coalesce(s.views, 0) as views_count,
  (select count(*) from favorites f where f.product_id = p.id)::int as favorites_count,
  coalesce(s.downloads, 0) as samples_downloads,
  coalesce(s.purchases, 0) as purchases_count,
  s.last_viewed_at
from products p
left join product_stats s on s.product_id = p.id
union all
select
  k.id,
  0,
  0,
  0,
  (select count(*) from "_UserPacks" o where o."A" = k.id)::int,
  null
from packs k
