-- How many objects of a name are there; kind: functions, tables (and views), types.
select count(*) from (
  select 1 from pg_catalog.pg_proc where %(kind)s = 'functions' and proname = %(name)s
    and pronamespace = (select oid from pg_catalog.pg_namespace where nspname = %(schema)s)
  union all
  select 1 from pg_catalog.pg_class where %(kind)s = 'tables' and relname = %(name)s
    and relkind in ('r', 'p', 'v', 'm', 'f')
    and relnamespace = (select oid from pg_catalog.pg_namespace where nspname = %(schema)s)
  union all
  select 1 from pg_catalog.pg_type where %(kind)s = 'types' and typname = %(name)s
    and typnamespace = (select oid from pg_catalog.pg_namespace where nspname = %(schema)s)
) as found
