insert into {table} (id, checksum, logs, started_at, finished_at, migration_name)
select %(id)s, %(checksum)s, '', at, at, %(name)s from pg_catalog.clock_timestamp() as at
