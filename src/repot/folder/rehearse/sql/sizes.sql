-- How large the tables really are: rows by the planner's statistics, bytes.
select n.nspname::text, c.relname::text, greatest(c.reltuples, -1)::bigint,
       pg_catalog.pg_total_relation_size(c.oid)::bigint
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where c.relkind = 'r' and c.relpersistence <> 't' and n.nspname <> 'information_schema'
   and n.nspname !~ '^pg_'
