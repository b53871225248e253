-- Locks on relations that a backend has now; those on the catalogs are everybody's.
select l.relation::bigint, l.mode, l.granted
  from pg_catalog.pg_locks l
 where l.pid = %(pid)s and l.locktype = 'relation' and l.relation >= 16384
   and l.database = (select oid from pg_catalog.pg_database where datname = current_database())
