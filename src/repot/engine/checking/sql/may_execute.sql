-- Which roles are there, and which of them may execute a function and see its schema.
select
  r.name,
  r.name = 'public' or a.oid is not null as known,
  case when r.name = 'public' or a.oid is not null
    then pg_catalog.has_function_privilege(r.name, %(function)s::oid, 'EXECUTE') end as may,
  case when r.name = 'public' or a.oid is not null
    then pg_catalog.has_schema_privilege(r.name, p.pronamespace, 'USAGE') end as usage
from unnest(%(roles)s::text[]) as r (name)
left join pg_catalog.pg_roles a on a.rolname = r.name
cross join pg_catalog.pg_proc p
where p.oid = %(function)s::oid
