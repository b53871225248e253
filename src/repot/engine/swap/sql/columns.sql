-- The columns of the relations.
select a.attrelid::bigint, a.attname
  from pg_catalog.pg_attribute a
 where a.attrelid = any (%(oids)s::oid[]) and a.attnum > 0 and not a.attisdropped
 order by a.attrelid, a.attnum
