-- Enum types and their values, in order.
select n.nspname::text, t.typname::text, pg_catalog.format_type(t.oid, null),
       array_agg(e.enumlabel::text order by e.enumsortorder)
  from pg_catalog.pg_type t
  join pg_catalog.pg_namespace n on n.oid = t.typnamespace
  join pg_catalog.pg_enum e on e.enumtypid = t.oid
 group by 1, 2, t.oid
