-- Client sessions that run a statement now, on the whole server; Repot's own do not count.
select count(*)
  from pg_catalog.pg_stat_activity
 where state = 'active' and backend_type = 'client backend' and application_name !~ '^repot'
