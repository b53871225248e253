update {table} set rolled_back_at = pg_catalog.clock_timestamp()
 where id = any(%(ids)s) and rolled_back_at is null
