-- Which relations each policy's condition reads in a subquery (those references are to the whole
-- relation, unlike the ones to columns of the policy's own table), and which functions it calls.
select p.polrelid::bigint                                          as oid,
       p.polname                                                   as name,
       array(select distinct d.refobjid::bigint
               from pg_catalog.pg_depend d
              where d.classid = 'pg_catalog.pg_policy'::regclass and d.objid = p.oid
                and d.refclassid = 'pg_catalog.pg_class'::regclass
                and d.deptype = 'n' and d.refobjsubid = 0)         as reads,
       array(select distinct d.refobjid::bigint
               from pg_catalog.pg_depend d
              where d.classid = 'pg_catalog.pg_policy'::regclass and d.objid = p.oid
                and d.refclassid = 'pg_catalog.pg_proc'::regclass) as calls
  from pg_catalog.pg_policy p
  join pg_catalog.pg_class c on c.oid = p.polrelid
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where n.nspname = any (%(schemas)s)
 order by 1, 2
