-- What functions of these names are like: schema, volatility, language.
select p.proname::text, n.nspname::text, p.provolatile::text, l.lanname::text
  from pg_catalog.pg_proc p
  join pg_catalog.pg_namespace n on n.oid = p.pronamespace
  join pg_catalog.pg_language l on l.oid = p.prolang
 where p.proname = any (%(names)s)
