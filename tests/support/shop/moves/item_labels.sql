select k.value as item_id, l.label
from product p
join item_key k on k.kind = 'product' and k.id = p.id
cross join lateral unnest(p.labels) as l(label)
