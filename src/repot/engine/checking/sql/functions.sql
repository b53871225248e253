-- The functions and procedures of one name. types: of all parameters, or of those that go in, if there
-- are no others; modes and names likewise.
select
  p.oid::bigint as oid,
  case p.prokind when 'p' then 'procedure' when 'f' then 'function' else p.prokind::text end as kind,
  p.proname || '(' || pg_catalog.pg_get_function_arguments(p.oid) || ')'
    || coalesce(' returns ' || pg_catalog.pg_get_function_result(p.oid), '') as shown,
  coalesce(p.proargnames, '{}') as names,
  coalesce(p.proargmodes::text[], '{}') as modes,
  array(select unnest(coalesce(p.proallargtypes, p.proargtypes::oid[]))::bigint) as types,
  array(select unnest(p.proargtypes::oid[])::bigint) as input_types,
  p.pronargdefaults::int as defaults,
  p.prorettype::bigint as returns,
  pg_catalog.format_type(p.prorettype, null) as returns_shown,
  p.proretset as returns_set,
  p.prosecdef as definer,
  (select substr(c, length('search_path=') + 1) from unnest(p.proconfig) as c
    where c like 'search\_path=%%') as search_path,
  l.lanname as language,
  case p.provolatile when 'i' then 'immutable' when 's' then 'stable' else 'volatile' end as volatility
from pg_catalog.pg_proc p
join pg_catalog.pg_namespace n on n.oid = p.pronamespace
join pg_catalog.pg_language l on l.oid = p.prolang
where n.nspname = %(schema)s and p.proname = %(name)s
order by p.oid
