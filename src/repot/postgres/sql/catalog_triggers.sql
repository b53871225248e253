-- Users' triggers; a partition's copy of its parent's trigger (tgparentid) aside.
select t.tgrelid::bigint                                     as oid,
       t.tgname                                              as name,
       pg_catalog.pg_get_triggerdef(t.oid)                   as definition,
       fn.nspname                                            as function_schema,
       f.proname                                             as function_name,
       t.tgenabled::text                                     as enabled
  from pg_catalog.pg_trigger t
  join pg_catalog.pg_class c on c.oid = t.tgrelid
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  join pg_catalog.pg_proc f on f.oid = t.tgfoid
  join pg_catalog.pg_namespace fn on fn.oid = f.pronamespace
 where n.nspname = any (%(schemas)s)
   and c.relkind in ('r', 'p') and c.relpersistence <> 't'
   and not t.tgisinternal and t.tgparentid = 0
 order by t.tgrelid, t.tgname collate "C"
