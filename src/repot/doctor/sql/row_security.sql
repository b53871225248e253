-- Tables with row security or policies: who is let in by a grant, and whether a policy lets anybody see.
select c.oid::bigint as oid, n.nspname as schema, c.relname as name, c.relrowsecurity as on,
  exists (select from pg_catalog.pg_policy p where p.polrelid = c.oid) as policies,
  exists (select from pg_catalog.pg_policy p where p.polrelid = c.oid and p.polcmd in ('r', '*')
    and p.polpermissive) as readable,
  array(select distinct case when g.grantee = 0 then 'PUBLIC' else g.grantee::regrole::text end
    from aclexplode(c.relacl) g
    left join pg_catalog.pg_roles r on r.oid = g.grantee
    where g.grantee <> c.relowner and g.privilege_type = 'SELECT'
      and not coalesce(r.rolbypassrls or r.rolsuper, false)
    order by 1) as granted
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p') and n.nspname <> all (%(managed)s) and c.oid <> all (%(aside)s::oid[])
  and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname not like 'pg\_%%'
  and (c.relrowsecurity or exists (select from pg_catalog.pg_policy p where p.polrelid = c.oid))
order by 2, 3
