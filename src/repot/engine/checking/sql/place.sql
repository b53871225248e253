-- Where the tables that a run made for V2 stand now, most of them first.
select n.nspname, count(*)
from repot.relation r
join pg_catalog.pg_class c on c.oid = r.oid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where r.run = %(run)s and r.side = 'v2'
group by n.nspname
order by 2 desc, 1
