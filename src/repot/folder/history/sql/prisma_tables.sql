-- Tables that are in the way of a new history; PostGIS' own are not.
select c.relname
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where n.nspname = %(schema)s and c.relkind = 'r'  -- no partitioned one: Prisma does not see those
   and c.relname not in ('geometry_columns', 'geography_columns', 'spatial_ref_sys')
 order by c.relname collate "C"
