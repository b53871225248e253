-- What stands in these schemas (%(schemas)s): relations, functions, types of their own.
select n.nspname::text as schema,
       case c.relkind when 'S' then 'sequence' when 'v' then 'view' when 'm' then 'materialized view'
         else 'table' end as kind, c.relname::text as name
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where n.nspname = any (%(schemas)s) and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
union all
select n.nspname::text, 'function', p.proname::text
  from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
 where n.nspname = any (%(schemas)s)
union all
select n.nspname::text, 'type', t.typname::text
  from pg_catalog.pg_type t join pg_catalog.pg_namespace n on n.oid = t.typnamespace
  left join pg_catalog.pg_class c on c.oid = t.typrelid
 where n.nspname = any (%(schemas)s)
   and (t.typtype in ('e', 'd', 'r') or t.typtype = 'c' and c.relkind = 'c')
 order by 1, 2, 3
