-- The tables in the schema %(target)s, with what Repot cannot copy into.
select c.oid::bigint, c.relname::text, c.relkind::text,
       c.relpersistence = 'u' as unlogged,
       exists (select from pg_catalog.pg_rewrite r
                where r.ev_class = c.oid and r.rulename <> '_RETURN') as rules
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where n.nspname = %(target)s and c.relkind in ('r', 'p', 'f')
 order by 2
