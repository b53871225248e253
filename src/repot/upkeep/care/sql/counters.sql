-- Rows set to declared values, in chunks. Rows that hold the values already are not written.

-- One chunk: how many rows were set. patient: wait for rows that others hold.
create or replace function repot_upkeep.set_values(
  of_table regclass, assignments jsonb, condition text, chunk integer, patient boolean
) returns bigint language plpgsql
  set search_path = pg_catalog, pg_temp set row_security = off as $$
declare
  settings text;
  differs text;
  leaf regclass;
  locked tid[];
  done bigint;
begin
  select string_agg(format('%I = %L', a.attname, v.value), ', '),
         string_agg(format('t.%1$I::text is distinct from %2$L::%3$s::text', a.attname, v.value,
                           format_type(a.atttypid, a.atttypmod)), ' or ')
    into settings, differs
    from jsonb_each_text(assignments) as v (called, value)
    join pg_attribute a on a.attrelid = of_table
                       and a.attnum = repot_upkeep.column_of(of_table, v.called);
  if settings is null then
    raise exception 'no column is set' using errcode = 'invalid_parameter_value';
  end if;
  select * into leaf, locked from repot_upkeep.locked(
    of_table, format('%s and (%s)', condition, differs), chunk, patient);
  if locked is null then
    return 0;
  end if;
  execute format('update only %s as t set %s where t.ctid = any ($1)', repot_upkeep.shown(leaf),
      settings)
    using locked;
  get diagnostics done = row_count;
  return done;
end $$;

create or replace function repot_upkeep.counters(settings jsonb) returns jsonb
  language plpgsql set search_path = pg_catalog, pg_temp set row_security = off
  set lock_timeout = '5s' as $$
declare
  filled jsonb := repot_upkeep.filled('counters', settings);
  target regclass := repot_upkeep.table_of(filled);
  condition text := repot_upkeep.condition_of(target, filled);
  so_far bigint := coalesce((filled #>> '{so_far,figures,set}')::bigint, 0);
  rounds integer := coalesce((filled #>> '{so_far,figures,rounds}')::integer, 0) + 1;
  rows_at_first bigint := (filled #>> '{so_far,figures,rows}')::bigint;
  chunk integer := greatest((filled ->> 'chunk')::integer, 1);
  findings jsonb := '[]';
  done bigint;
  figures jsonb;
begin
  perform repot_upkeep.given(filled, 'set');
  if rows_at_first is null then
    execute format('select count(*) from %s as t where %s', repot_upkeep.shown(target), condition)
      into rows_at_first;
  end if;
  done := repot_upkeep.set_values(target, filled -> 'set', condition, chunk, false);
  if done = 0 then  -- what is left is held by others: wait for it, within reason
    begin
      done := repot_upkeep.set_values(target, filled -> 'set', condition, chunk, true);
    exception when lock_not_available then
      findings := findings || repot_upkeep.finding(
        'counters-locked', 'warning',
        format('rows of %s are held by other sessions and were not reset', repot_upkeep.shown(target)),
        'the task takes them the next time it runs; `sessions` names long transactions',
        repot_upkeep.shown(target));
    end;
  end if;
  so_far := so_far + done;
  figures := jsonb_build_object('rows', rows_at_first, 'set', so_far, 'rounds', rounds);
  if so_far > 2 * rows_at_first + 10 * chunk then
    return repot_upkeep.outcome(
      format('%s rows of %s were set again and again', so_far, repot_upkeep.shown(target)), figures,
      jsonb_build_array(repot_upkeep.finding(
        'counters-undone', 'error',
        format('what was set in %s does not stay', repot_upkeep.shown(target)),
        'look for a trigger that sets the columns back; or let "where" name what needs no reset any more',
        repot_upkeep.shown(target), so_far)));
  end if;
  return repot_upkeep.outcome(
           format('%s rows of %s set', so_far, repot_upkeep.shown(target)), figures, findings)
         || jsonb_build_object('again', done > 0);
end $$;
