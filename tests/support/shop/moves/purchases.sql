select o.id, o.customer_id, k.value as item_id, o.amount
from purchase o
left join item_key k on k.kind = 'product' and k.id = o.product_id
