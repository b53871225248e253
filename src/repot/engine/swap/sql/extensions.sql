-- Extensions in the schemas.
select e.extname, n.nspname, e.extrelocatable
  from pg_catalog.pg_extension e
  join pg_catalog.pg_namespace n on n.oid = e.extnamespace
 where n.nspname = any (%(schemas)s)
 order by e.extname collate "C"
