select k.id, i.title as label, i.price
from items i
join item_key k on k.value = i.id
where k.kind = 'bundle'
