-- pg_cron's jobs that this role may see.
select j.jobid::text, j.command from cron.job j order by j.jobid
