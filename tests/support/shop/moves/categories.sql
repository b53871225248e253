select c.id, c.name as title, coalesce(n.items, 0) as items_count
from category c
left join (select category_id, count(*) as items from product group by category_id) n
  on n.category_id = c.id
