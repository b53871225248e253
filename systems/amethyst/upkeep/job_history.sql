-- What pg_cron wrote down of its runs, but for the last month. Where it is not there, there is nothing.
do $$
declare
  gone bigint := 0;
begin
  if to_regclass('cron.job_run_details') is not null then
    execute $sql$ delete from cron.job_run_details where end_time < now() - interval '30 days' $sql$;
    get diagnostics gone = row_count;
  end if;
  perform repot_upkeep.note(jsonb_build_object('deleted', gone), format('%s runs of pg_cron forgotten', gone));
end $$;
