-- What the probes want to know of columns beyond the catalog: is it text (a domain over text is), what
-- the planner thinks of its values. pg_stats shows only what this role may read.
select a.attrelid::bigint                                          as oid,
       a.attname                                                   as name,
       t.typcategory = 'S'                                         as text,
       case when s.n_distinct >= 0 then s.n_distinct
            else -s.n_distinct * greatest(c.reltuples, 0) end::bigint as distinct
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  join pg_catalog.pg_type t on t.oid = a.atttypid
  left join pg_catalog.pg_stats s
    on s.schemaname = n.nspname and s.tablename = c.relname and s.attname = a.attname
   and s.inherited = (c.relkind = 'p')
 where n.nspname = any (%(schemas)s) and c.relkind in ('r', 'p')
