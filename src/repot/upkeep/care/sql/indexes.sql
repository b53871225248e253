-- Indexes that are invalid, unused, repeated or missing, with sizes and scans. Nothing is dropped.

-- The indexes of the schemas, with what tells one from another.
create or replace function repot_upkeep.index_facts(schemas oid[])
  returns table (oid oid, of_table oid, named text, keys text[], included text[], predicate text,
                 method name, is_unique boolean, is_valid boolean, bound boolean, bytes bigint,
                 scans bigint, definition text)
  language sql stable set search_path = pg_catalog, pg_temp as $$
  select i.indexrelid, i.indrelid, repot_upkeep.shown(i.indexrelid),
         array(select pg_get_indexdef(i.indexrelid, n, false) || ' '
                      || i.indclass[n - 1]::text || ' ' || i.indcollation[n - 1]::text || ' '
                      || i.indoption[n - 1]::text
                 from generate_series(1, i.indnkeyatts) n),
         array(select pg_get_indexdef(i.indexrelid, n, false)
                 from generate_series(i.indnkeyatts + 1, i.indnatts) n),
         coalesce(pg_get_expr(i.indpred, i.indrelid), ''), m.amname, i.indisunique,
         i.indisvalid and i.indisready and i.indislive,
         i.indisprimary or i.indisexclusion or i.indisreplident or i.indisclustered
           or exists (select from pg_constraint k where k.conindid = i.indexrelid),
         pg_relation_size(i.indexrelid), coalesce(s.idx_scan, 0), pg_get_indexdef(i.indexrelid)
    from pg_index i
    join pg_class c on c.oid = i.indexrelid
    join pg_am m on m.oid = c.relam
    left join pg_stat_all_indexes s on s.indexrelid = i.indexrelid
   where c.relnamespace = any (schemas)
$$;

create or replace function repot_upkeep.indexes(settings jsonb) returns jsonb
  language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  filled jsonb := repot_upkeep.filled('indexes', settings);
  schemas oid[] := repot_upkeep.schemas_of(filled);
  least_bytes bigint := (filled ->> 'min_bytes')::bigint;
  -- Without a reset on record the counters go back at least to the server's start.
  since timestamptz := coalesce(
    (select stats_reset from pg_stat_database where datname = current_database()),
    pg_postmaster_start_time());
  old_enough boolean := since <= now() - repot_upkeep.given(filled, 'unused_after')::interval;
  findings jsonb := '[]';
  invalid integer := 0;
  unused integer := 0;
  repeated integer := 0;
  missing integer := 0;
  spare bigint := 0;
  settled oid[] := '{}';  -- indexes to go as repeated, and those to stay for them
  one record;
begin
  for one in
    select f.*, c.relkind from repot_upkeep.index_facts(schemas) f join pg_class c on c.oid = f.oid
     where not f.is_valid
       and not exists (select from pg_stat_progress_create_index p where p.index_relid = f.oid)
     order by f.named
  loop
    invalid := invalid + 1;
    findings := findings || case when one.relkind = 'I' then repot_upkeep.finding(
      'index-invalid', 'warning',
      format('%s is invalid: not every partition has an index that belongs to it', one.named),
      'create the missing ones and ALTER INDEX … ATTACH PARTITION', one.named)
    else repot_upkeep.finding(
      'index-invalid', 'warning',
      format('%s (%s) is invalid: an attempt to build it failed; it is kept up to date and not read',
             one.named, repot_upkeep.size(one.bytes)),
      format('reindex index concurrently %s; or drop index concurrently %s;', one.named, one.named),
      one.named) end;
  end loop;

  -- The one to keep: a key or constraint, then the unique one, then the wider, then the older.
  for one in
    with f as materialized (
      select x.* from repot_upkeep.index_facts(schemas) x join pg_class c on c.oid = x.oid
       where x.is_valid and c.relkind = 'i')
    select distinct on (a.oid) a.*, b.oid as kept, b.named as keeper,
           a.keys = b.keys as same
      from f a join f b on b.of_table = a.of_table and b.oid <> a.oid and b.method = a.method
                       and b.predicate = a.predicate
     where case when a.keys = b.keys
                then a.included <@ b.included and (not a.is_unique or b.is_unique)
                     and (a.bound, a.is_unique, cardinality(a.included), -a.oid::bigint)
                         < (b.bound, b.is_unique, cardinality(b.included), -b.oid::bigint)
                else a.method = 'btree' and not a.is_unique and not a.bound
                     and cardinality(a.keys) < cardinality(b.keys)
                     and a.keys = b.keys[1:cardinality(a.keys)]
                     and a.included <@ (b.included || array(
                       select left(k, -length(substring(k from ' \d+ \d+ \d+$'))) from unnest(b.keys) k))
           end
     order by a.oid, a.keys = b.keys desc, b.bytes
  loop
    repeated := repeated + 1;
    settled := settled || one.oid || one.kept;
    spare := spare + one.bytes;
    findings := findings || repot_upkeep.finding(
      case when one.same then 'index-duplicate' else 'index-covered' end, 'warning',
      format(case when one.same then '%s (%s, %s scans) is the same as %s'
                  else '%s (%s, %s scans) is the beginning of %s' end,
             one.named, repot_upkeep.size(one.bytes), one.scans, one.keeper),
      format(case when one.bound then 'a constraint needs it as it is: %2$s'
                  else 'drop index concurrently %1$s; -- %2$s' end, one.named, one.definition),
      one.named);
  end loop;

  if old_enough then
    for one in
      select f.* from repot_upkeep.index_facts(schemas) f join pg_class c on c.oid = f.oid
       where f.is_valid and f.scans = 0 and not f.is_unique and not f.bound
         and c.relkind = 'i' and f.bytes >= least_bytes
         -- not told to go twice, nor beside what is told to go for its sake
         and f.oid <> all (settled)
         -- a foreign key's index is missed on the day that a row is deleted there; an archive waits
         and not exists (
           select from pg_constraint k join pg_index i on i.indrelid = k.conrelid
            where k.contype = 'f' and i.indexrelid = f.oid
              and k.conkey <@ (i.indkey::smallint[])[0:cardinality(k.conkey) - 1])
         and not exists (
           select from repot_upkeep.archived d where d.archive = repot_upkeep.shown(f.of_table))
       order by f.bytes desc, f.named
    loop
      unused := unused + 1;
      spare := spare + one.bytes;
      findings := findings || repot_upkeep.finding(
        'index-unused', 'warning',
        format('%s (%s) was not scanned once since %s', one.named, repot_upkeep.size(one.bytes),
               to_char(since, 'YYYY-MM-DD')),
        format('look at the standbys, too, and at what runs once a year; then: drop index concurrently %s; -- %s',
               one.named, one.definition), one.named);
    end loop;
  else
    findings := findings || repot_upkeep.finding(
      'index-use-unknown', 'info',
      format('which indexes are unused cannot be said yet: the statistics go back to %s only',
             to_char(since, 'YYYY-MM-DD HH24:MI')),
      'the setting "unused_after" says how far they must go back: ' || (filled ->> 'unused_after'));
  end if;

  for one in
    select k.conname, repot_upkeep.shown(k.conrelid) as child, repot_upkeep.shown(k.confrelid) as parent,
           c.reltuples::bigint as rows, pg_total_relation_size(c.oid) as bytes,
           coalesce(s.n_tup_del, 0) as deleted, coalesce(s.n_tup_upd, 0) as updated,
           (select string_agg(quote_ident(a.attname), ', ' order by u.place)
              from unnest(k.conkey) with ordinality u (num, place)
              join pg_attribute a on a.attrelid = k.conrelid and a.attnum = u.num) as columns
      from pg_constraint k
      join pg_class c on c.oid = k.conrelid
      left join pg_stat_all_tables s on s.relid = k.confrelid
     where k.contype = 'f' and k.conparentid = 0 and c.relnamespace = any (schemas)
       and (c.reltuples >= (filled ->> 'min_rows')::bigint)
       and not exists (
         select from pg_index i
          where i.indrelid = k.conrelid and i.indisvalid
            and k.conkey <@ (i.indkey::smallint[])[0:cardinality(k.conkey) - 1]
            -- rows that refer to nothing need no index
            and (i.indpred is null or exists (
              select from pg_attribute a where a.attrelid = k.conrelid and a.attnum = any (k.conkey)
                 and pg_get_expr(i.indpred, i.indrelid) = format('(%I IS NOT NULL)', a.attname))))
     order by c.reltuples desc, 2, 1
  loop
    missing := missing + 1;
    findings := findings || repot_upkeep.finding(
      'index-missing', 'warning',
      format('%s has no index for its foreign key %s (%s) to %s: each delete there reads all of its about %s rows, %s (%s deletes, %s updates so far)',
             one.child, one.conname, one.columns, one.parent, one.rows, repot_upkeep.size(one.bytes),
             one.deleted, one.updated),
      format('create index concurrently on %s (%s);', one.child, one.columns), one.child);
  end loop;

  return repot_upkeep.outcome(
    format('%s invalid, %s unused, %s repeated, %s missing indexes; %s could be freed',
           invalid, unused, repeated, missing, repot_upkeep.size(spare)),
    jsonb_build_object('invalid', invalid, 'unused', case when old_enough then unused end,
                       'repeated', repeated, 'missing', missing, 'spare_bytes', spare,
                       'statistics_since', since),
    findings);
end $$;
