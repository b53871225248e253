select p.id, p.customer_id, k.id as product_id, p.amount
from purchases p
left join item_key k on k.value = p.item_id
