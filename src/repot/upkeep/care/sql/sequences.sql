-- Sequences near their end, or behind the table that they number.
create or replace function repot_upkeep.sequences(settings jsonb) returns jsonb
  language plpgsql stable set search_path = pg_catalog, pg_temp set row_security = off as $$
declare
  filled jsonb := repot_upkeep.filled('sequences', settings);
  warn_at numeric := (filled ->> 'warn_percent')::numeric;
  error_at numeric := (filled ->> 'error_percent')::numeric;
  findings jsonb := '[]';
  looked integer := 0;
  unread text[] := '{}';
  unmeasured text[] := '{}';
  highest numeric := 0;
  percent numeric;
  far_end numeric;
  top numeric;
  one record;
begin
  for one in
    select c.oid, repot_upkeep.shown(c.oid) as named, s.seqstart, s.seqincrement, s.seqmin, s.seqmax,
           s.seqcycle, t.relid, repot_upkeep.shown(t.relid) as of_table, t.called,
           t.kind as kind,
           case when has_sequence_privilege(c.oid,
               'SELECT, USAGE') then pg_sequence_last_value(c.oid) end
             as last,
           has_sequence_privilege(c.oid, 'SELECT, USAGE') as may_read
      from pg_sequence s
      join pg_class c on c.oid = s.seqrelid
      left join lateral (
        -- the column that it numbers: as its owner, or by a default
        select a.attrelid as relid, a.attname as called, a.atttypid::regtype as kind, a.attnum
          from (select d.refobjid, d.refobjsubid, 0 as place from pg_depend d
                 where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.objsubid = 0
                   and d.refclassid = 'pg_class'::regclass and d.deptype in ('a',
                       'i') and d.refobjsubid > 0
                union all
                select f.adrelid, f.adnum, 1 from pg_depend d join pg_attrdef f on f.oid = d.objid
                 where d.classid = 'pg_attrdef'::regclass and d.refclassid = 'pg_class'::regclass
                   and d.refobjid = c.oid) d (relid, num, place)
          join pg_attribute a on a.attrelid = d.relid and a.attnum = d.num
         order by d.place limit 1) t on true
     where c.relnamespace = any (repot_upkeep.schemas_of(filled)) and c.relpersistence <> 't'
     order by 2
  loop
    if not one.may_read then
      unread := unread || one.named;
      continue;
    end if;
    looked := looked + 1;
    far_end := case
      when one.seqincrement < 0 then one.seqmin
      else least(one.seqmax, case one.kind when 'smallint'::regtype then 32767
                                           when 'integer'::regtype then 2147483647
                                           else one.seqmax end) end;
    percent := case when one.last is null then 0
      else round(100 * abs(one.last::numeric - one.seqstart) / greatest(abs(far_end - one.seqstart), 1),
          1) end;
    highest := greatest(highest, case when one.seqcycle then 0 else percent end);
    if percent >= warn_at and not one.seqcycle then
      findings := findings || repot_upkeep.finding(
        'sequence-near-end', case when percent >= error_at then 'error' else 'warning' end,
        format('%s is at %s of %s: %s per cent%s', one.named, one.last, far_end, percent,
               case when one.of_table is null then ''
                    when far_end < one.seqmax then format(', as %s.%I is %s', one.of_table, one.called,
                        one.kind)
                    else format('; it numbers %s.%I', one.of_table, one.called) end),
        case when one.of_table is not null and one.kind in ('integer'::regtype, 'smallint'::regtype)
             then format('make %s.%I bigint (it rewrites the table: plan it as a move), and the sequence with it',
                         one.of_table, one.called)
             else format('alter sequence %s as bigint maxvalue …', one.named) end,
        one.named);
    end if;
    continue when one.relid is null or not (filled ->> 'behind')::boolean
               or one.kind not in ('smallint'::regtype, 'integer'::regtype, 'bigint'::regtype);
    -- Rows that a policy may hide (pg_cron's cron.job is such a table) prove nothing.
    if not has_table_privilege(one.relid, 'SELECT') or row_security_active(one.relid) or not exists (
         select from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
          where i.indrelid = one.relid and a.attname = one.called
              and i.indisvalid and i.indpred is null) then
      unmeasured := unmeasured || one.named;
      continue;
    end if;
    execute format('select %s(t.%I) from %s as t',
                   case when one.seqincrement > 0 then 'max' else 'min' end, one.called,
                       one.of_table) into top;
    -- A sequence that was never asked gives its start next.
    if top is not null and (top - coalesce(one.last,
        one.seqstart - one.seqincrement)) * sign(one.seqincrement) > 0 then
      findings := findings || repot_upkeep.finding(
        'sequence-behind', 'error',
        format('%s is at %s, and %s.%I goes up to %s: the next insert fails',
               one.named, coalesce(one.last::text, 'its start'), one.of_table, one.called, top),
        format('select setval(%L, %s);', one.named, top), one.named);
    end if;
  end loop;
  if unread <> '{}' then
    findings := findings || repot_upkeep.finding(
      'sequences-unread', 'info', format('%s sequences may not be read by %s', cardinality(unread),
          quote_ident(current_user)),
      'grant SELECT or USAGE on them', null, cardinality(unread), unread[1:3]);
  end if;
  if unmeasured <> '{}' then
    findings := findings || repot_upkeep.finding(
      'sequences-not-compared', 'info',
      format('%s sequences were not compared with their tables: no index on the column, or no right to read it', cardinality(unmeasured)),
      '', null, cardinality(unmeasured), unmeasured[1:3]);
  end if;
  return repot_upkeep.outcome(
    format('%s sequences, the fullest at %s per cent', looked, highest),
    jsonb_build_object('sequences', looked, 'unread', cardinality(unread), 'highest_percent', highest),
        findings);
end $$;
