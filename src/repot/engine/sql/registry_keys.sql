-- The primary key and the unique constraint of a registry's table.
select conname::text, pg_catalog.pg_get_constraintdef(oid)
  from pg_catalog.pg_constraint where conrelid = %(table)s and contype in ('p', 'u') order by contype
