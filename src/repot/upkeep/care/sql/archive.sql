-- Rows older than an age, moved to an archive: one chunk, or one partition, per call and transaction.
create or replace function repot_upkeep.archive(settings jsonb) returns jsonb
  language plpgsql set search_path = pg_catalog, pg_temp set row_security = off
  -- Below deadlock_timeout: where this and somebody else wait for each other, this gives way.
  set lock_timeout = '200ms' as $$
declare
  filled jsonb := repot_upkeep.filled('archive', settings);
  live regclass := repot_upkeep.table_of(filled);
  named text := repot_upkeep.shown(live);
  so_far jsonb := filled -> 'so_far';
  whole boolean := filled ->> 'partitions' = 'detach';
  most bigint := (filled ->> 'max_rows')::bigint;
  figures jsonb := coalesce(so_far -> 'figures', '{"moved": 0, "chunks": 0, "busy": 0}');
  findings jsonb := coalesce(so_far -> 'findings', '[]');
  refused text := format('%s rows of %s archived, then refused', figures ->> 'moved', named);
  place record;
  archive regclass;
  condition text;
  about record;
  done bigint;
  left_over bigint;
  one record;
begin
  if filled ->> 'moving' not in ('refuse', 'allow') or filled ->> 'partitions' not in ('rows',
      'detach') then
    raise exception 'the setting "moving" is refuse or allow, "partitions" rows or detach'
      using errcode = 'invalid_parameter_value';
  end if;
  for one in select * from jsonb_each_text(filled -> 'session') loop
    if one.key not like '%.%' then
      raise exception 'the setting "session" holds %: only names with a dot, the application''s own',
          one.key
        using errcode = 'invalid_parameter_value';
    end if;
    perform set_config(one.key, one.value, true);
  end loop;
  select * into place from repot_upkeep.archive_name(filled, live);
  archive := to_regclass(format('%I.%I', place.schema, place.called));
  if archive = live then
    raise exception 'the archive of % is the table itself',
        named using errcode = 'invalid_parameter_value';
  end if;
  if (select relkind from pg_class where oid = archive) not in ('r', 'p') then
    raise exception 'the archive % is not a table', repot_upkeep.shown(archive)
      using errcode = 'wrong_object_type';
  end if;
  if whole is distinct from ((select relkind from pg_class where oid = archive) = 'p')
      and archive is not null
     or whole and not exists (select
         from pg_partitioned_table p join pg_attribute a on a.attrelid = live
             and a.attnum = p.partattrs[0]
                               where p.partrelid = live and p.partstrat = 'r' and p.partnatts = 1
                                   and a.attname = filled ->> 'column') then
    raise exception '% cannot be archived by %', named, case when whole then 'partition' else 'row' end
      using errcode = 'feature_not_supported',
            hint = 'partitions = "detach" needs a table partitioned by ranges of the one column, and an archive that Repot made so';
  end if;
  condition := repot_upkeep.condition_of(live, filled) || ' and ' || repot_upkeep.older_of(live, filled);

  if so_far is null then
    findings := repot_upkeep.archive_before(filled, live, archive, place.schema);
    figures := figures || jsonb_build_object(
      'before', repot_upkeep.before_of(filled), 'table', live::oid::bigint);
    if not findings @> '[{"code": "archive-rights"}]' then
      select * into about from repot_upkeep.pointed_at(live, condition, false, true);
      findings := findings || about.findings;
    end if;
  else
    if figures ->> 'table' <> live::oid::text then
      raise exception '% is another table than when archiving began', named
        using errcode = 'object_not_in_prerequisite_state',
            hint = 'it was exchanged meanwhile; the next run archives the new one';
    end if;
    select * into about from repot_upkeep.pointed_at(live, condition, false, false);
    findings := findings || coalesce((
      select jsonb_agg(f)
        from jsonb_array_elements(
          repot_upkeep.archive_before(filled, live, archive, place.schema)) f
       where f ->> 'severity' = 'error'), '[]');
  end if;
  if findings @> '[{"severity": "error"}]' then
    return repot_upkeep.outcome(refused, figures - 'table', findings);
  end if;

  begin
    -- From here to the end of the transaction nobody changes its columns.
    execute format('lock table %s in row exclusive mode', named);
    if archive is null then
      archive := repot_upkeep.make_archive(live, place.schema, place.called,
          (filled ->> 'foreign_keys')::boolean, whole);
    end if;
    execute format('lock table %s in row exclusive mode', repot_upkeep.shown(archive));
    findings := findings || repot_upkeep.fit_archive(live, archive);
    if findings @> '[{"severity": "error"}]' then
      return repot_upkeep.outcome(refused, figures - 'table', findings);
    end if;
    if whole then
      done := repot_upkeep.archive_partition(filled, live, archive, condition);
    else
      done := repot_upkeep.archive_chunk(
        filled, live, archive, condition || ' and ' || about.kept,
        least((filled ->> 'chunk')::bigint,
              nullif(most, 0) - (figures ->> 'moved')::bigint)::integer);
    end if;
  exception
    when lock_not_available or deadlock_detected then  -- gave way: again, a little later
      figures := figures || jsonb_build_object('busy', (figures ->> 'busy')::integer + 1);
      if (figures ->> 'busy')::integer < 10 then
        perform pg_sleep(0.05);
        return repot_upkeep.outcome('', figures, findings) || '{"again": true}';
      end if;
      findings := findings || repot_upkeep.finding(
        'archive-busy', 'warning', format('others hold locks that archiving %s needs', named),
        'the next run goes on; `sessions` names long transactions', named);
      done := 0;
  end;
  figures := figures || jsonb_build_object(
    'moved', (figures ->> 'moved')::bigint + coalesce(done, 0),
    'chunks', (figures ->> 'chunks')::integer + (coalesce(done > 0, false) or whole and done is not null)::integer);
  if (whole and done is not null or done > 0) and (most = 0 or (figures ->> 'moved')::bigint < most)
     and not findings @> '[{"code": "archive-busy"}]' then
    return repot_upkeep.outcome('', figures, findings) || '{"again": true}';
  end if;
  execute format('select count(*) from %s as t where %s', named, condition) into left_over;
  return repot_upkeep.outcome(
    format('%s rows of %s moved to %I.%I in %s transactions', figures ->> 'moved', named,
           place.schema, place.called, figures ->> 'chunks')
      || case when left_over > 0 then format('; %s old ones stay for now', left_over) else '' end,
    (figures - 'table') || jsonb_build_object('left', left_over), findings);
end $$;
