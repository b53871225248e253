-- Which relations each policy's conditions read in subqueries, and which functions it calls.
-- Read from the node trees: they name a relation (:relid) only where a subquery reads it, whereas
-- pg_depend does not tell a subquery on the policy's own table from its plain columns.
select p.polrelid::bigint                                          as oid,
       p.polname                                                   as name,
       array(select distinct m[1]::bigint
               from pg_catalog.regexp_matches(
                      concat(p.polqual::text, p.polwithcheck::text), ':relid ([0-9]+)', 'g') m
                  )                                                as reads,
       array(select distinct d.refobjid::bigint
               from pg_catalog.pg_depend d
              where d.classid = 'pg_catalog.pg_policy'::regclass and d.objid = p.oid
                and d.refclassid = 'pg_catalog.pg_proc'::regclass) as calls
  from pg_catalog.pg_policy p
  join pg_catalog.pg_class c on c.oid = p.polrelid
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where n.nspname = any (%(schemas)s)
 order by 1, 2
