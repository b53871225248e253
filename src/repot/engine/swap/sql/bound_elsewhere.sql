-- Partitions and inheriting tables of the relations that stand in other schemas: (child, parent,
-- whether it is a partition).
select cn.nspname, c.relname, pn.nspname, p.relname, c.relispartition
  from pg_catalog.pg_inherits i
  join pg_catalog.pg_class c on c.oid = i.inhrelid
  join pg_catalog.pg_namespace cn on cn.oid = c.relnamespace
  join pg_catalog.pg_class p on p.oid = i.inhparent
  join pg_catalog.pg_namespace pn on pn.oid = p.relnamespace
 where i.inhparent = any (%(oids)s::oid[]) and i.inhrelid <> all (%(oids)s::oid[])
   and c.relkind in ('r', 'p', 'f')
 order by cn.nspname collate "C", c.relname collate "C"
