update {table}
   set applied_steps_count = applied_steps_count + 1, finished_at = pg_catalog.clock_timestamp()
 where id = %(id)s
