-- How far, in MB of WAL, the standby that is furthest behind is behind; 0 without standbys.
select coalesce(max(pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), replay_lsn)), 0)
         / 1048576.0
  from pg_catalog.pg_stat_replication
