-- Roles that were given tables in a schema which they may not use.
select n.nspname as schema, r.rolname as role, count(distinct c.oid) as tables, min(c.relname) as example
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
cross join lateral aclexplode(c.relacl) g
join pg_catalog.pg_roles r on r.oid = g.grantee
where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname <> all (%(own)s)
  and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname not like 'pg\_%%'
  and c.oid <> all (%(aside)s::oid[])
  and not pg_catalog.has_schema_privilege(r.oid, n.oid, 'USAGE')
group by 1, 2
order by 1, 2
