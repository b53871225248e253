-- Foreign keys of the tables to tables outside of %(both)s: (key, the table it refers to).
select k.oid::bigint, n.nspname, c.relname
  from pg_catalog.pg_constraint k
  join pg_catalog.pg_class c on c.oid = k.confrelid
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where k.contype = 'f' and k.conparentid = 0
   and k.conrelid = any (%(oids)s::oid[]) and k.confrelid <> all (%(both)s::oid[])
 order by k.oid
