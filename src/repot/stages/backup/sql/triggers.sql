-- Triggers on dumped tables that call a function of Repot's own schemas, which the dump leaves out.
select t.oid::bigint
  from pg_catalog.pg_trigger t
  join pg_catalog.pg_proc p on p.oid = t.tgfoid
  join pg_catalog.pg_namespace n on n.oid = p.pronamespace
 where n.nspname = any (%(own)s)
