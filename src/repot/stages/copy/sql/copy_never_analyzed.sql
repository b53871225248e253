-- Of the tables with these oids, those that the planner knows nothing of.
select c.oid::bigint from pg_catalog.pg_class c
 where c.oid = any (%(oids)s::bigint[]::oid[]) and c.relkind in ('r', 'p') and c.reltuples < 0
