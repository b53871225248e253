-- Foreign keys by which the tables would keep rows of others from being deleted: to tables outside
-- of %(both)s, with ON DELETE NO ACTION or RESTRICT.
select k.oid::bigint
  from pg_catalog.pg_constraint k
 where k.contype = 'f' and k.conparentid = 0 and k.confdeltype in ('a', 'r')
   and k.conrelid = any (%(oids)s::oid[]) and k.confrelid <> all (%(both)s::oid[])
 order by k.oid
