insert into {table} (id, checksum, started_at, migration_name)
values (%(id)s, %(checksum)s, pg_catalog.clock_timestamp(), %(name)s)
