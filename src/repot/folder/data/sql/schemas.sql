-- Schemas that hold the application's things: neither the system's nor temporary ones.
select nspname
  from pg_catalog.pg_namespace
 where nspname not in ('pg_catalog', 'information_schema')
   and nspname !~ '^pg_(temp_|toast)'
   and not nspname = any (%(own)s)
 order by nspname collate "C"
