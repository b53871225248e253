insert into public.favorites (user_id, product_id, created_at)
select pg_temp.key('user', 1 + %(bare)s + f.fan), pg_temp.key('product', 1 + f.product),
       case when pg_temp.r(300, f.fan * 1000003 + f.product) >= 0.01
            then pg_temp.moment(301, f.fan * 1000003 + f.product) end
from (
  select distinct pg_temp.pick(302, i, %(users)s::bigint - %(bare)s) as fan,
                  pg_temp.popular(303, i, %(products)s) as product
  from generate_series(1, %(favorites)s::bigint) i
) f
order by f.fan, f.product
