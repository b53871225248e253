-- Relations as the session sees them now, its own uncommitted ones among them. `owner`: the table of
-- an index or of a TOAST table.
select c.oid::bigint, n.nspname::text, c.relname::text, c.relkind::text,
       coalesce(pg_catalog.pg_relation_filenode(c.oid), 0)::bigint,
       coalesce(i.indrelid, 0)::bigint
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  left join pg_catalog.pg_index i on i.indexrelid = c.oid
 where c.oid >= 16384 and c.relkind in ('r', 'p', 'm', 'i', 'I', 'v', 'S', 'f')
   and n.nspname !~ '^pg_toast'
