select k.id, i.title as name, i.price::double precision as price, i.category_id,
       case i.state when 'LIVE' then 'ACTIVE' else 'DRAFT' end as status, i.created_at
from items i
join item_key k on k.value = i.id
where k.kind = 'product'
