-- Cancel the statements of those who block the process, or end them where they run none.
select a.pid, a.application_name, how.word,
       case how.word when 'cancelled' then pg_catalog.pg_cancel_backend(a.pid)
                     else pg_catalog.pg_terminate_backend(a.pid) end
  from unnest(pg_catalog.pg_blocking_pids(%(pid)s)) b(pid)
  join pg_catalog.pg_stat_activity a on a.pid = b.pid
 cross join lateral (
       select case when a.state = 'active' or a.backend_type <> 'client backend'
                   then 'cancelled' else 'ended' end as word) how
 where a.pid <> pg_catalog.pg_backend_pid()
   and a.application_name !~ '^repot'
