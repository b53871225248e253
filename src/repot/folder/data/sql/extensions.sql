-- Extensions that this server could create, and those that this database has.
select a.name::text, x.oid is not null
  from pg_catalog.pg_available_extensions a
  left join pg_catalog.pg_extension x on x.extname = a.name
union
select extname::text, true from pg_catalog.pg_extension
