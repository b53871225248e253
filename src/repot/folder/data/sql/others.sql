-- Relations that are read like tables but are none: views, foreign tables.
select n.nspname::text, c.relname::text
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where c.relkind in ('v', 'm', 'f') and n.nspname <> all (array['pg_catalog', 'information_schema'])
