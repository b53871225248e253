-- The tables of a schema, partitions among them, those of extensions not.
select c.relname, c.relrowsecurity, c.relforcerowsecurity,
  exists (select from pg_catalog.pg_policy p where p.polrelid = c.oid)
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where n.nspname = %(schema)s and c.relkind in ('r', 'p')
  and not exists (select from pg_catalog.pg_depend d
    where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
order by c.relname
