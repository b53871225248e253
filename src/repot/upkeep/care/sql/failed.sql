-- Rows that stand in a state that they should have left: counted, with examples, marked where asked.
create or replace function repot_upkeep.failed(settings jsonb) returns jsonb
  language plpgsql set search_path = pg_catalog, pg_temp set row_security = off
  set lock_timeout = '5s' as $$
declare
  filled jsonb := repot_upkeep.filled('failed', settings);
  target regclass := repot_upkeep.table_of(filled);
  named text := repot_upkeep.shown(target);
  condition text;
  so_far jsonb := filled -> 'so_far';
  severity text := filled ->> 'severity';
  found bigint;
  oldest text;
  examples text[];
  marked bigint := 0;
  total bigint;
  figures jsonb;
  findings jsonb := '[]';
begin
  perform repot_upkeep.given(filled, 'where');
  if severity not in ('info', 'warning', 'error') then
    raise exception 'the setting "severity" is %: info, warning or error', severity
      using errcode = 'invalid_parameter_value';
  end if;
  condition := repot_upkeep.condition_of(target, filled)
               || ' and ' || repot_upkeep.older_of(target, filled);
  if so_far is null then
    execute format('select count(*), min(t.%I)::text from %s as t where %s',
                   filled ->> 'column', named, condition) into found, oldest;
    execute format('select array(select %s from %s as t where %s order by t.%I limit %s)',
                   repot_upkeep.key_of(target), named, condition, filled ->> 'column',
                   greatest((filled ->> 'examples')::integer, 0)) into examples;
    if found > 0 then
      findings := jsonb_build_array(repot_upkeep.finding(
        'failed-rows', severity,
        format('%s rows of %s have been so for longer than %s: %s',
               found, named, filled ->> 'older_than', btrim(filled ->> 'where')),
        'look at the examples; the oldest is of ' || oldest, named, found, examples));
    end if;
    figures := jsonb_strip_nulls(jsonb_build_object(
      'found', found, 'oldest', oldest, 'before', repot_upkeep.before_of(filled)));
  else
    figures := so_far -> 'figures';
    findings := so_far -> 'findings';
    found := (figures ->> 'found')::bigint;
  end if;
  if filled -> 'mark' <> '{}' and found > 0 then
    marked := repot_upkeep.set_values(target, filled -> 'mark', condition,
                                      greatest((filled ->> 'chunk')::integer, 1), false);
    total := coalesce((figures ->> 'marked')::bigint, 0) + marked;
    figures := figures || jsonb_build_object('marked', total);
  end if;
  return repot_upkeep.outcome(
           case when found = 0 then format('no rows of %s stand failed', named)
                else format('%s rows of %s stand failed', found, named)
                     || coalesce(', ' || (figures ->> 'marked') || ' marked', '') end,
           figures, findings)
         -- A mark that leaves the rows in the condition would go on for ever.
         || jsonb_build_object('again', marked > 0 and total < found);
end $$;
