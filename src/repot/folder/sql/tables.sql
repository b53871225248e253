select n.nspname, c.relname
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where c.relkind = 'r' and c.relname <> '_prisma_migrations'
   and n.nspname not in ('pg_catalog', 'information_schema', 'repot', 'repot_archive',
                           'supabase_migrations')
   and n.nspname !~ '^pg_(toast|temp)'
 order by n.nspname collate "C", c.relname collate "C"
