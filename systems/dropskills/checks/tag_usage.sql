-- usage_count is the number of links.
select t.id, t.name, t.usage_count, l.links
from tags t
left join (select tag_id, count(*) as links from pack_tags group by tag_id) l on l.tag_id = t.id
where t.usage_count <> coalesce(l.links, 0)
