-- Tables whose rows pg_dump copies: leaves of partitioned tables by themselves, tables of extensions
-- and of Repot aside. `schemas` null: all schemas.
select n.nspname, c.relname
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where c.relkind = 'r' and c.relpersistence <> 't'
   and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
   and n.nspname <> all (%(own)s)
   and (%(schemas)s::text[] is null or n.nspname = any (%(schemas)s))
   and not exists (select from pg_catalog.pg_depend d
                    where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid
                      and d.objsubid = 0 and d.deptype = 'e')
 order by n.nspname collate "C", c.relname collate "C"
