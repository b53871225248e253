-- The PL/pgSQL functions of triggers, and the tables that they are on.
select p.oid::regprocedure::text as function, pg_catalog.pg_get_functiondef(p.oid) as definition,
  array_agg(distinct t.tgrelid::regclass::text) as tables
from pg_catalog.pg_trigger t
join pg_catalog.pg_proc p on p.oid = t.tgfoid
join pg_catalog.pg_language l on l.oid = p.prolang and l.lanname = 'plpgsql'
join pg_catalog.pg_namespace n on n.oid = p.pronamespace
where not t.tgisinternal and t.tgrelid <> all (%(aside)s::oid[]) and n.nspname <> all (%(managed)s) and p.prosrc ~* 'exception'
  and not exists (select from pg_catalog.pg_depend d
    where d.classid = 'pg_catalog.pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
group by p.oid
order by 1
