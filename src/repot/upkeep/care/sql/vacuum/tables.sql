-- The tables of the schemas (none listed: all but the system's and Repot's), those with the most dead
-- rows first, and whether this role may vacuum them.
select n.nspname as schema, c.relname as name,
       pg_has_role(c.relowner, 'USAGE')
       or pg_has_role((select datdba from pg_database where datname = current_database()), 'USAGE') as allowed
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  left join pg_stat_all_tables s on s.relid = c.oid
 where c.relkind in ('r', 'm') and c.relpersistence <> 't'
   and case when %(schemas)s::text[] <> '{}' then n.nspname = any (%(schemas)s::text[])
            else n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and n.nspname !~ '^repot(_|$)' end
 order by coalesce(s.n_dead_tup, 0) desc, c.oid
