-- Routines whose bodies are text: what they name is looked up when they run. With the triggers on
-- relations of other schemas that call them.
select n.nspname, p.proname, i.identity, p.prosrc,
       coalesce((select array_agg(t.tgname::text || ' on ' || tn.nspname || '.' || tc.relname
                                  order by t.tgname)
                   from pg_catalog.pg_trigger t
                   join pg_catalog.pg_class tc on tc.oid = t.tgrelid
                   join pg_catalog.pg_namespace tn on tn.oid = tc.relnamespace
                  where t.tgfoid = p.oid and not t.tgisinternal
                    and t.tgrelid <> all (%(moving)s::oid[])), '{}'),
       coalesce((select array_agg(s.setting) from unnest(p.proconfig) s(setting)
                  where s.setting ~* '^search_path='), '{}')
  from pg_catalog.pg_proc p
  join pg_catalog.pg_namespace n on n.oid = p.pronamespace
  join pg_catalog.pg_language l on l.oid = p.prolang
 cross join lateral pg_catalog.pg_identify_object('pg_catalog.pg_proc'::regclass, p.oid, 0) i
 where p.prokind in ('f', 'p') and l.lanname not in ('c', 'internal')
   and n.nspname <> all (%(except)s) and n.nspname !~ '^pg_' and n.nspname !~ '^repot_aside_'
   and n.nspname <> 'information_schema'
   and not exists (select from pg_catalog.pg_depend d
                    where d.classid = 'pg_catalog.pg_proc'::regclass and d.objid = p.oid
                      and d.deptype = 'e')
 order by n.nspname collate "C", i.identity collate "C"
