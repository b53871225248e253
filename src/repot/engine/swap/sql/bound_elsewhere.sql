-- Inheritance that crosses the border of the relations: (child, parent, whether the child is a
-- partition, whether the child is one of the relations).
select cn.nspname, c.relname, pn.nspname, p.relname, c.relispartition,
       i.inhrelid = any (%(oids)s::oid[])
  from pg_catalog.pg_inherits i
  join pg_catalog.pg_class c on c.oid = i.inhrelid
  join pg_catalog.pg_namespace cn on cn.oid = c.relnamespace
  join pg_catalog.pg_class p on p.oid = i.inhparent
  join pg_catalog.pg_namespace pn on pn.oid = p.relnamespace
 where (i.inhparent = any (%(oids)s::oid[])) <> (i.inhrelid = any (%(oids)s::oid[]))
   and c.relkind in ('r', 'p', 'f')
 order by cn.nspname collate "C", c.relname collate "C"
