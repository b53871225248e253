-- Prisma's tables of migrations, wherever they are, as far as this role may read them.
select n.nspname as schema
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relname = '_prisma_migrations' and c.relkind in ('r', 'p')
  and (select count(*) from pg_catalog.pg_attribute a where a.attrelid = c.oid
    and a.attname in ('migration_name', 'finished_at', 'rolled_back_at', 'started_at', 'logs')) = 5
order by 1
