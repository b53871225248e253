-- The columns that the run's tables have now, by name.
select a.attrelid::bigint as oid, a.attnum as number, a.attname as name
  from repot.relation r
  join pg_catalog.pg_attribute a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
 where r.run = %(run)s
