-- All indexes of a table, or, without one, the invalid ones of the database.
select i.indexrelid::bigint
  from pg_catalog.pg_index i
 where case when %(table)s::oid is null then not i.indisvalid else i.indrelid = %(table)s::oid end
