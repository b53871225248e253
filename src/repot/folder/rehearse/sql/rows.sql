-- Rows that the open transaction has written and read so far, by table.
select relid::bigint, n_tup_ins::bigint, n_tup_upd::bigint, n_tup_del::bigint,
       seq_tup_read::bigint
  from pg_catalog.pg_stat_xact_user_tables
