-- usage_count counts the links that V2 has: those to products that are there.
select
  t.id,
  t.name,
  s.value as slug,
  (select count(*)
   from products_tags l
   join products p on p.id = l.product_id
   where l.tag_id = t.id)::int as usage_count
from tags t
left join tag_slug s on s.id = t.id
