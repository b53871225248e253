-- Temporary data that is older than an age and meets a condition: deleted in chunks, and counted.
create or replace function repot_upkeep.temporary(settings jsonb) returns jsonb
  language plpgsql set search_path = pg_catalog, pg_temp set row_security = off
  set lock_timeout = '5s' as $$
declare
  filled jsonb := repot_upkeep.filled('temporary', settings);
  target regclass := repot_upkeep.table_of(filled);
  named text := repot_upkeep.shown(target);
  cascade boolean := (filled ->> 'cascade')::boolean;
  most bigint := (filled ->> 'max_rows')::bigint;
  so_far jsonb := filled -> 'so_far';
  gone bigint := coalesce((so_far #>> '{figures,deleted}')::bigint, 0);
  condition text;
  about record;
  leaf regclass;
  rows tid[];
  done bigint := 0;
  left_over bigint;
  figures jsonb;
begin
  condition := repot_upkeep.condition_of(target, filled)
               || ' and ' || repot_upkeep.older_of(target, filled);
  select * into about from repot_upkeep.pointed_at(target, condition, cascade, so_far is null);
  about.findings := coalesce(so_far -> 'findings', about.findings);
  if about.findings @> '[{"severity": "error"}]' then
    return repot_upkeep.outcome(format('nothing of %s was deleted', named),
                                jsonb_build_object('deleted', gone), about.findings);
  end if;
  select * into leaf, rows from repot_upkeep.locked(
    target, condition || ' and ' || about.kept,
    least((filled ->> 'chunk')::integer, case when most > 0 then most - gone
        else 2147483647 end)::integer,
    false, filled ->> 'column');
  if rows is not null then
    rows := repot_upkeep.free_of(target, leaf, rows, cascade);
    execute format('delete from only %s as t where t.ctid = any ($1)', repot_upkeep.shown(leaf))
      using rows;
    get diagnostics done = row_count;
    if done <> cardinality(rows) then
      raise exception '% of % rows of % were not deleted: a trigger or a rule holds them',
        cardinality(rows) - done, cardinality(rows), named;
    end if;
  end if;
  gone := gone + done;
  figures := jsonb_build_object('deleted', gone, 'before', repot_upkeep.before_of(filled));
  if done > 0 and (most = 0 or gone < most) then
    return repot_upkeep.outcome(format('%s rows of %s deleted', gone, named), figures, about.findings)
           || '{"again": true}';
  end if;
  execute format('select count(*) from %s as t where %s', named, condition) into left_over;
  return repot_upkeep.outcome(
    format('%s rows of %s deleted', gone, named)
      || case when left_over > 0 then format(', %s left for the next time', left_over) else '' end,
    figures || jsonb_build_object('left', left_over), about.findings);
end $$;
