-- Comments of V1's columns for V2's columns of the same table and name that have none.
select a.attname::text, pg_catalog.col_description(%(twin)s::bigint::oid, b.attnum)
  from pg_catalog.pg_attribute a
  join pg_catalog.pg_attribute b on b.attrelid = %(twin)s::bigint::oid and b.attname = a.attname
 where a.attrelid = %(table)s::bigint::oid and a.attnum > 0 and b.attnum > 0
   and not a.attisdropped and not b.attisdropped
   and pg_catalog.col_description(a.attrelid, a.attnum) is null
   and pg_catalog.col_description(%(twin)s::bigint::oid, b.attnum) is not null
