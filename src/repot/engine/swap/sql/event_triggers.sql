-- Event triggers that the swap's own DDL will fire.
select e.evtname, n.nspname, p.proname
  from pg_catalog.pg_event_trigger e
  join pg_catalog.pg_proc p on p.oid = e.evtfoid
  join pg_catalog.pg_namespace n on n.oid = p.pronamespace
 where e.evtenabled <> 'D' and e.evtname !~ '^repot_'
 order by e.evtname collate "C"
