-- All sequences of the two schemas, owned ones too.
select c.oid::bigint, n.nspname, c.relname
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where c.relkind = 'S' and n.nspname in (%(front)s, %(waiting)s)
