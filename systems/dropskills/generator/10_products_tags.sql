-- No foreign key watches: some links are to products or tags that are gone.
insert into public.products_tags (product_id, tag_id)
select
  case when pg_temp.r(320, l.product * 1000003 + l.tag) < 0.003
       then pg_temp.key('gone', l.product) else pg_temp.key('product', 1 + l.product) end,
  case when pg_temp.r(321, l.product * 1000003 + l.tag) < 0.002
       then pg_temp.key('gone tag', l.tag) else pg_temp.key('tag', 1 + l.tag) end
from (
  select distinct pg_temp.pick(322, i, %(products)s) as product,
                  pg_temp.popular(323, i, %(tags)s) as tag
  from generate_series(1, %(products_tags)s::bigint) i
) l
order by l.product, l.tag
