-- Links whose product or tag is gone are left behind (leave.toml).
select l.product_id as pack_id, l.tag_id
from products_tags l
join products p on p.id = l.product_id
join tags t on t.id = l.tag_id
