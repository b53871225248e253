-- Who waits for a lock, for how many seconds, on what, and behind whom.
select w.pid, l.mode, pg_catalog.pg_blocking_pids(w.pid) as blockers,
  coalesce(l.relation::regclass::text, l.locktype) as object,
  extract(epoch from clock_timestamp() - coalesce(l.waitstart, w.query_start))::float8 as waited
from pg_catalog.pg_stat_activity w
join lateral (select * from pg_catalog.pg_locks l where l.pid = w.pid and not l.granted limit 1) l on true
where w.datname = pg_catalog.current_database() and w.pid <> pg_catalog.pg_backend_pid()
