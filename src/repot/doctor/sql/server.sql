select current_setting('max_connections')::int as most,
  (select count(*) from pg_catalog.pg_stat_activity where backend_type = 'client backend') as used,
  (select count(*) from pg_catalog.pg_stat_activity
    where backend_type = 'client backend' and state = 'idle') as idle,
  (select max(age(datfrozenxid)) from pg_catalog.pg_database)::bigint as oldest
