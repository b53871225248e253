-- Type and collation of a column of a view. The modifier -1 rather than NULL: so char(5) becomes
-- bpchar and not character, which is char(1).
select pg_catalog.format_type(a.atttypid, -1), cn.nspname, co.collname
  from pg_catalog.pg_attribute a
  join pg_catalog.pg_class c on c.oid = a.attrelid
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  left join pg_catalog.pg_collation co on co.oid = a.attcollation
  left join pg_catalog.pg_namespace cn on cn.oid = co.collnamespace
 where n.nspname = %(schema)s and c.relname = %(view)s and a.attname = %(column)s
