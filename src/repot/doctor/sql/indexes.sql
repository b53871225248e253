-- Indexes that are not valid and that nobody is building now.
select i.indexrelid::regclass::text as index, i.indrelid::regclass::text as "table", i.indisunique as "unique",
  exists (select from pg_catalog.pg_constraint k where k.conindid = i.indexrelid) as keeps
from pg_catalog.pg_index i
join pg_catalog.pg_class c on c.oid = i.indexrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where not (i.indisvalid and i.indisready and i.indislive) and c.relkind = 'i'
  and n.nspname not in ('pg_catalog', 'pg_toast', 'information_schema')
  and not exists (select from pg_catalog.pg_stat_progress_create_index p
    where p.index_relid = i.indexrelid or p.relid = i.indrelid)
  and i.indrelid <> all (%(aside)s::oid[])
order by 1
