-- Tables with policies and the roles that could read them, each with a column that it may read.
select n.nspname as schema, c.relname as "table", r.rolname as role,
  pg_catalog.pg_has_role(current_user, r.oid, 'MEMBER') as member,
  (select a.attname from pg_catalog.pg_attribute a
    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      and pg_catalog.has_column_privilege(r.oid, c.oid, a.attnum, 'SELECT')
    order by a.attnum limit 1) as "column"
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
cross join pg_catalog.pg_roles r
where c.relrowsecurity and c.relkind in ('r', 'p')
  and n.nspname <> all (%(managed)s) and c.oid <> all (%(aside)s::oid[])
  and exists (select from pg_catalog.pg_policy p where p.polrelid = c.oid and p.polcmd in ('r', '*'))
  and not r.rolsuper and not r.rolbypassrls and r.oid <> c.relowner
  and (r.rolname in ('anon', 'authenticated')
    or exists (select from pg_catalog.pg_policy p where p.polrelid = c.oid and r.oid = any (p.polroles)))
  and pg_catalog.has_schema_privilege(r.oid, n.oid, 'USAGE')
  and pg_catalog.has_any_column_privilege(r.oid, c.oid, 'SELECT')
order by 1, 2, 3
