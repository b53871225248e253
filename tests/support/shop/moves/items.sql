select k.value as id, 'product' as kind, coalesce(p.name, '') as title, s.value as slug,
       round(p.price::numeric, 2)::numeric(10,2) as price, p.category_id,
       case when p.status = 'ACTIVE' then 'LIVE' else 'HIDDEN' end as state, p.created_at
from product p
join item_key k on k.kind = 'product' and k.id = p.id
join item_slug s on s.kind = 'product' and s.id = p.id
union all
select k.value, 'bundle', b.label, s.value, b.price, null::integer, 'LIVE',
       timestamptz '2024-01-01 00:00:00+00'
from bundle b
join item_key k on k.kind = 'bundle' and k.id = b.id
join item_slug s on s.kind = 'bundle' and s.id = b.id
