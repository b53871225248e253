-- Columns that were noted, by identity, with the name of then,
-- and whether the whole table was rewritten together with this column: ALTER COLUMN … TYPE … USING
-- gives it other values without firing a trigger. VACUUM FULL, CLUSTER and TRUNCATE make another
-- file as well, but do not touch the column; which file is whose, an index or the TOAST table tells
-- even after something else has touched the table.
select g.oid::bigint as oid, g.number, g.name,
       a.xmin::text <> g.version
       and c.relfilenode::text <> pg_catalog.split_part(t.version, ' ', 2)
       and exists (
         select from pg_catalog.pg_class f
          where f.xmin = a.xmin
            and f.oid in (select c.oid union all select c.reltoastrelid union all
                          select i.indexrelid from pg_catalog.pg_index i where i.indrelid = c.oid)
       ) as rewritten
  from repot.ground g
  join repot.ground t on t.run = g.run and t.kind = 'table' and t.oid = g.oid
  join pg_catalog.pg_class c on c.oid = g.oid
  left join pg_catalog.pg_attribute a
    on a.attrelid = g.oid and a.attnum = g.number and not a.attisdropped
 where g.run = %(run)s and g.kind = 'column'
 order by g.oid, g.number
