-- Constraints that were added NOT VALID: only they have rows to look at when they are validated.
select n.nspname::text, c.relname::text, k.conname::text
  from pg_catalog.pg_constraint k
  join pg_catalog.pg_class c on c.oid = k.conrelid
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where not k.convalidated and k.contype in ('c', 'f')
