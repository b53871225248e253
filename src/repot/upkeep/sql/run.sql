-- Who runs a task, and what becomes of it. A task's lock is held by the session that runs it, so it
-- goes with that session however it ends.

create or replace function repot_upkeep.lock_key(task text) returns bigint
  language sql immutable set search_path = pg_catalog, pg_temp
  return hashtextextended('repot.upkeep.' || task, 0);

-- Whether the session `pid` holds the lock of the task.
create or replace function repot_upkeep.is_held(task text, pid integer) returns boolean
  language sql stable set search_path = pg_catalog, pg_temp as $$
  select exists (
    select from pg_locks l, repot_upkeep.lock_key(is_held.task) as k(key)
    where l.locktype = 'advisory' and l.granted and l.objsubid = 1 and l.pid = is_held.pid
      and l.database = (select oid from pg_database where datname = current_database())
      and l.classid = ((key >> 32) & 4294967295)::oid and l.objid = (key & 4294967295)::oid)
$$;

-- Where each task stands: its newest run, and whether somebody is at it. A row that says 'started'
-- without its session is 'broken off', whether that was written down yet or not.
create or replace view repot_upkeep.standing as
  select t.name as task, t.project, t.since, h.id as last, h.due as last_due,
         case when h.state = 'started' and not repot_upkeep.is_held(h.task, h.pid)
              then 'broken off' else h.state end as state,
         h.attempt
  from repot_upkeep.task t
  left join lateral (
    select * from repot_upkeep.history h where h.task = t.name order by h.due desc limit 1
  ) h on true;

-- What of the task is due at `at`: at most one row. Missed due times are caught up by one run;
-- without catch_up, a due time counts for a quarter of an hour. A run that was broken off is
-- repeated, twice at most.
create or replace function repot_upkeep.pending(task text, at timestamptz)
  returns table (due timestamptz, missed integer, again boolean)
  language plpgsql stable set search_path = pg_catalog, pg_temp set jit = off as $$
declare
  t repot_upkeep.task;
  s repot_upkeep.standing;
  base timestamptz;
begin
  select * into t from repot_upkeep.task k where k.name = pending.task and k.enabled;
  if not found then
    return;
  end if;
  select * into s from repot_upkeep.standing k where k.task = pending.task;
  base := greatest(t.since, s.last_due);
  due := repot_upkeep.last_due(t.spec, t.time_zone, base, at);
  missed := 0;
  again := false;
  if due is null and s.state = 'broken off' and t.again and s.attempt < 3 then
    due := s.last_due;
    again := true;
  end if;
  if due is null or (t.catch_up = 'no' and due < at - interval '15 minutes') then
    return;
  end if;
  if t.catch_up = 'once' and not again then
    missed := repot_upkeep.count_dues(t.spec, t.time_zone, base, due);
  end if;
  return next;
end $$;

-- Take the task's lock and open the history's row. Null, and no lock, where there is nothing to do:
-- another session is at it, or this due time or a later one was run. The caller commits.
create or replace function repot_upkeep.begin_run(
  task text, due timestamptz, runner text, missed integer, asked boolean
) returns bigint
  language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  last repot_upkeep.history;
  opened bigint;
begin
  if not pg_try_advisory_lock(repot_upkeep.lock_key(task)) then
    return null;
  end if;
  -- Nobody else can be at it now: what is still open was left so.
  update repot_upkeep.history h
     set state = 'broken off', finished = clock_timestamp(),
         error = 'the runner was gone before it had written down the outcome'
   where h.task = begin_run.task and h.state = 'started';
  select * into last from repot_upkeep.history h
   where h.task = begin_run.task order by h.due desc limit 1;
  if last.due is null or last.due < begin_run.due then
    insert into repot_upkeep.history (task, due, state, runner, asked, missed, pid)
    values (task, due, 'started', runner, asked, missed, pg_backend_pid())
    returning id into opened;
  elsif last.due = begin_run.due and last.state = 'broken off' and last.attempt < 3
        and (asked or (select k.again from repot_upkeep.task k where k.name = begin_run.task)) then
    update repot_upkeep.history h
       set state = 'started', started = clock_timestamp(), finished = null, error = null,
           runner = begin_run.runner, attempt = h.attempt + 1, pid = pg_backend_pid(),
           earlier = h.earlier || jsonb_build_object(
             'started', h.started, 'noticed', h.finished, 'runner', h.runner, 'error', h.error)
     where h.id = last.id
     returning h.id into opened;
  end if;
  if opened is null then
    perform pg_advisory_unlock(repot_upkeep.lock_key(task));
  end if;
  return opened;
end $$;

-- Close the history's row; false where it was given to another attempt meanwhile.
create or replace function repot_upkeep.finish_run(
  id bigint, pid integer, ok boolean, summary text, figures jsonb, findings jsonb, error text
) returns boolean
  language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  update repot_upkeep.history h
     set state = case when finish_run.ok then 'done' else 'failed' end,
         finished = clock_timestamp(), summary = finish_run.summary,
         figures = coalesce(finish_run.figures, '{}'),
         findings = coalesce(finish_run.findings, '[]'), error = finish_run.error
   where h.id = finish_run.id and h.pid = finish_run.pid
     and h.state in ('started', 'broken off');
  return found;
end $$;

-- For the SQL of a task: what of its figures the history should show. Adds to what was noted before.
create or replace function repot_upkeep.note(figures jsonb, summary text default null) returns void
  language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  perform set_config('repot_upkeep.figures', (coalesce(
    nullif(current_setting('repot_upkeep.figures', true), ''), '{}')::jsonb || figures)::text, true);
  if summary is not null then
    perform set_config('repot_upkeep.summary', summary, true);
  end if;
end $$;

-- Run a task, for one due time or (null) for what is due now; does nothing where that was done or is
-- being done. Its work and the history's row are one transaction; a built-in whose result says
-- "again" is called in one transaction after the other, with the result so far among its settings.
-- Call it outside a transaction.
create or replace procedure repot_upkeep.run(
  task text, due timestamptz default null, runner text default 'pg_cron',
  missed integer default 0, asked boolean default false
)
  language plpgsql as $$
declare
  t repot_upkeep.task;
  opened bigint;
  result jsonb;
  so_far jsonb;
  rows bigint;
  message text; detail text; hint text; state text; place text;
begin
  select * into t from repot_upkeep.task k where k.name = run.task;
  if not found then
    raise exception 'there is no upkeep task named %', run.task using errcode = 'undefined_object';
  elsif not t.in_database then
    raise exception 'the upkeep task % cannot run inside the database', run.task
      using errcode = 'feature_not_supported', hint = 'repot upkeep run ' || run.task;
  end if;
  if run.due is null then  -- a job may come a moment early
    select p.due, p.missed into run.due, run.missed
      from repot_upkeep.pending(run.task, clock_timestamp() + interval '5 seconds') p;
    if run.due is null then
      return;
    end if;
    perform pg_sleep(extract(epoch from run.due - clock_timestamp()));
  end if;
  opened := repot_upkeep.begin_run(run.task, run.due, run.runner, run.missed, run.asked);
  commit;
  if opened is null then
    return;
  end if;
  loop
    begin
      perform set_config(s.name, s.value, true) from (values
        ('search_path', quote_ident(t.schema)),
        ('TimeZone', t.time_zone),     -- today is the declared zone's day
        ('row_security', 'off'),       -- an error rather than half of the rows
        ('repot_upkeep.figures', ''), ('repot_upkeep.summary', '')) as s(name, value);
      if t.kind = 'sql' then
        execute t.sql;
        get diagnostics rows = row_count;
        result := jsonb_build_object(
          'ok', true,
          'figures', coalesce(nullif(current_setting('repot_upkeep.figures'), '')::jsonb,
                              jsonb_build_object('rows', rows)),
          'summary', coalesce(nullif(current_setting('repot_upkeep.summary'), ''),
                              format('%s: %s rows by the last statement', t.what, rows)));
      else
        execute format('select repot_upkeep.%I($1)', t.care) into result
          using t.settings || case when so_far is null then '{}'
                                   else jsonb_build_object('so_far', so_far) end;
      end if;
      set constraints all immediate;  -- or they would fail after the outcome is written
    exception when query_canceled or assert_failure or others then
      get stacked diagnostics message = message_text, detail = pg_exception_detail,
        hint = pg_exception_hint, state = returned_sqlstate, place = pg_exception_context;
      result := null;
    end;
    exit when message is not null or not coalesce((result ->> 'again')::boolean, false);
    so_far := result - 'again';
    commit;  -- a part of the work, which stays whatever becomes of the rest
  end loop;
  perform repot_upkeep.finish_run(
    opened, pg_backend_pid(), coalesce((result ->> 'ok')::boolean, false), result ->> 'summary',
    coalesce(result, so_far) -> 'figures', coalesce(result, so_far) -> 'findings',
    case when message is not null then concat_ws(E'\n', message, nullif(detail, ''),
      'hint: ' || nullif(hint, ''), 'SQLSTATE ' || state, nullif(place, '')) end);
  commit;
  perform pg_advisory_unlock(repot_upkeep.lock_key(run.task));
end $$;

-- End the runs of a project that take longer than their task's timeout: for pg_cron, whose sessions
-- have none. Gives the number of sessions that were told to end. It comes every minute, so it clears
-- pg_cron's own log of it, too, where that is in this database.
create or replace function repot_upkeep.end_overtime(project text) returns integer
  language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  told integer;
begin
  select count(*) filter (where pg_cancel_backend(h.pid)) into told
  from repot_upkeep.history h join repot_upkeep.task t on t.name = h.task
  where h.state = 'started' and t.in_database and t.project = end_overtime.project
    and h.started + make_interval(secs => t.timeout) < clock_timestamp()
    and repot_upkeep.is_held(h.task, h.pid);
  if extract(minute from clock_timestamp()) = 0
     and to_regclass('cron.job_run_details') is not null then
    begin
      delete from cron.job_run_details d using cron.job j
      where j.jobid = d.jobid and j.command like '%repot\_upkeep.end\_overtime(%'
        and d.end_time < clock_timestamp() - interval '1 day';
    exception when insufficient_privilege then
      null;  -- then it is for those who have the right
    end;
  end if;
  return told;
end $$;
