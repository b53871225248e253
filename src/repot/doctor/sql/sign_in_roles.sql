-- What PostgREST and the auth server need: the roles, and that authenticator may take them.
select wanted.name as role, r.oid is not null as there,
  a.oid is not null as authenticator,
  r.oid is not null and a.oid is not null and pg_catalog.pg_has_role(a.oid, r.oid, 'MEMBER') as taken
from unnest(array['anon', 'authenticated', 'service_role']) as wanted (name)
left join pg_catalog.pg_roles r on r.rolname = wanted.name
left join pg_catalog.pg_roles a on a.rolname = 'authenticator'
where pg_catalog.to_regclass('auth.users') is not null
  and pg_catalog.to_regproc('auth.uid') is not null
order by 1
