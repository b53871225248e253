-- pg_cron's jobs of this database. `body` may hold secrets and is never kept.
select 'job'                                                       as kind,
       coalesce(j.jobname, j.jobid::text)                          as name,
       j.username                                                  as owner,
       j.command                                                   as body,
       jsonb_build_object('schedule', j.schedule, 'active', j.active) as detail
  from cron.job j
 where j.database = current_database()
 order by j.jobid
