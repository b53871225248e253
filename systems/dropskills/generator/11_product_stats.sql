insert into public.product_stats (product_id, views, downloads, purchases, last_viewed_at)
select
  pg_temp.key('product', i), pg_temp.popular(330, i, 50000)::int, pg_temp.popular(331, i, 3000)::int,
  pg_temp.popular(332, i, 400)::int,
  case when pg_temp.r(333, i) < 0.9 then pg_temp.moment(334, i) end
from generate_series(1, %(products)s::bigint) i
where pg_temp.r(335, i) >= 0.02
