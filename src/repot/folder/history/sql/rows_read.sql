select id, migration_name, checksum, started_at, finished_at, rolled_back_at, applied_steps_count,
       logs
  from {table} order by started_at, finished_at nulls last, id
