select c.id, c.email,
       coalesce((select sum(o.amount) from purchase o where o.customer_id = c.id), 0) as spent
from customer c
