-- Replication slots and the WAL that is kept for them. Repot's own are named repot_….
select s.slot_name as name, s.active, s.wal_status as status, s.database,
  coalesce((case when pg_catalog.pg_is_in_recovery() then pg_catalog.pg_last_wal_replay_lsn()
    else pg_catalog.pg_current_wal_lsn() end - s.restart_lsn) / 1e6, 0)::float8 as mb
from pg_catalog.pg_replication_slots s
where not s.temporary
order by s.slot_name
