select l.pack_id as product_id, l.tag_id
from pack_tags l
left join pack_slug s on s.source = 'pack' and s.id = l.pack_id
where s.id is null
