-- Roles that no policy holds for and that can log in, superusers aside; and schemas in which everybody
-- or PostgREST's roles may create objects.
select 'role' as kind, r.rolname::text as name, ''::text as "to"
  from pg_catalog.pg_roles r
 where r.rolbypassrls and r.rolcanlogin and not r.rolsuper
union all
select 'schema', n.nspname::text, coalesce(r.rolname, 'public')::text
  from pg_catalog.pg_namespace n
  cross join lateral pg_catalog.aclexplode(n.nspacl) x
  left join pg_catalog.pg_roles r on r.oid = x.grantee
 where n.nspname = any (%(schemas)s) and x.privilege_type = 'CREATE'
   and (x.grantee = 0 or r.rolname in ('anon', 'authenticated'))
 order by 1, 2, 3
