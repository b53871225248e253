-- ANALYZE of every table that may be analyzed, one per round, so that no lock is held for long.
create or replace function repot_upkeep.analyze(settings jsonb) returns jsonb
  language plpgsql set search_path = pg_catalog, pg_temp set lock_timeout = '2s' as $$
declare
  filled jsonb := repot_upkeep.filled('analyze', settings);
  so_far jsonb := filled -> 'so_far';
  wanted oid[];
  refused text[];
  findings jsonb := coalesce(so_far -> 'findings', '[]');
  done bigint := coalesce((so_far #>> '{figures,analyzed}')::bigint, 0);
  busy bigint := coalesce((so_far #>> '{figures,busy}')::bigint, 0);
  next_one oid;
begin
  if so_far is null then
    select array_agg(x.oid order by x.oid) filter (where x.allowed),
           array_agg(repot_upkeep.shown(x.oid) order by x.oid) filter (where not x.allowed)
      into wanted, refused
      from (select c.oid,
                   pg_has_role(c.relowner, 'USAGE')
                   or pg_has_role((select datdba from pg_database where datname = current_database()),
                       'USAGE')
                   as allowed
              from pg_class c
              left join pg_stat_all_tables s on s.relid = c.oid
             where c.relnamespace = any (repot_upkeep.schemas_of(filled))
               and c.relkind in ('r', 'm', 'p') and c.relpersistence <> 't'
               and (c.reltuples < 0 or (filled ->> 'changed_percent')::numeric <= 0
                    or coalesce(s.last_analyze, s.last_autoanalyze) is null
                    or s.n_mod_since_analyze > c.reltuples * (filled ->> 'changed_percent')::numeric / 100)) x;
    if refused <> '{}' then
      findings := findings || repot_upkeep.finding(
        'analyze-not-allowed', 'info',
        format('%s tables belong to others and were not analyzed', cardinality(refused)),
        'autovacuum looks after them', null, cardinality(refused), refused[1:3]);
    end if;
  else
    wanted := array(select t::oid from jsonb_array_elements_text(so_far #> '{figures,waiting}') t);
  end if;
  next_one := wanted[1];
  if repot_upkeep.shown(next_one) is not null then  -- it may be gone by now
    begin
      execute format('analyze %s', repot_upkeep.shown(next_one));
      done := done + 1;
    exception when lock_not_available then
      busy := busy + 1;
      findings := findings || repot_upkeep.finding(
        'analyze-busy', 'info', format('%s was locked and not analyzed', repot_upkeep.shown(next_one)),
        'the task takes it the next time', repot_upkeep.shown(next_one));
    end;
  end if;
  wanted := wanted[2:];
  return repot_upkeep.outcome(
    format('%s tables analyzed', done),
    jsonb_build_object('analyzed', done, 'busy', busy)
      || case when cardinality(wanted) > 0 then jsonb_build_object('waiting',
          to_jsonb(wanted)) else '{}' end,
    findings) || jsonb_build_object('again', coalesce(cardinality(wanted), 0) > 0);
end $$;
