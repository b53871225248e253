-- One chunk of rows, from the live table to the archive, in the caller's transaction.
create or replace function repot_upkeep.archive_chunk(
  settings jsonb, live regclass, archive regclass, condition text, chunk integer
) returns bigint language plpgsql
  set search_path = pg_catalog, pg_temp set row_security = off as $$
declare
  of_leaf text;
  of_archive text := repot_upkeep.shown(archive);
  columns text;
  texts text;
  leaf regclass;
  rows tid[];
  places tid[];
  before record;
  moved record;
  after record;
  stayed bigint;
begin
  select * into leaf, rows
    from repot_upkeep.locked(live, condition, chunk, false, settings ->> 'column');
  if rows is not null then
    rows := repot_upkeep.free_of(live, leaf, rows, false);
  end if;
  if coalesce(cardinality(rows), 0) = 0 then
    return 0;
  end if;
  of_leaf := repot_upkeep.shown(leaf);
  select string_agg(quote_ident(attname), ', ' order by attnum),
         format('md5(row(%s)::text)', string_agg(format('x.%I', attname), ', ' order by attnum))
    into columns, texts
    from pg_attribute where attrelid = live and attnum > 0 and not attisdropped;

  -- Both sides have the same types (fit_archive), so equal texts are equal values.
  execute format(
    'select count(*) as rows, md5(string_agg(h, '''' order by h collate "C")) as digest,
            min(at)::text as lowest, max(at)::text as highest
       from (select %2$s as h, x.%3$I as at from only %1$s as x where x.ctid = any ($1)) r',
    of_leaf, texts, settings ->> 'column') into before using rows;

  -- A row is deleted and inserted by one statement: what it returns from the one is what goes into the
  -- other, and nobody sees it twice or not at all.
  execute format(
    'with moved as (
       delete from only %1$s as x where x.ctid = any ($1) returning %4$s, %3$s as repot_digest
     ), kept as (
       insert into %2$s as x (%4$s) overriding system value select %4$s from moved
       returning x.ctid as repot_place, %3$s as repot_digest
     )
     select (select count(*) from moved) as rows,
            (select md5(string_agg(repot_digest, '''' order by repot_digest collate "C"))
               from moved) as digest,
            (select count(*) from kept) as kept,
            (select md5(string_agg(repot_digest, '''' order by repot_digest collate "C"))
               from kept) as kept_digest,
            (select array_agg(repot_place) from kept) as places',
    of_leaf, of_archive, texts, columns) into moved using rows;

  places := moved.places;
  execute format(
    'select count(*) as rows, md5(string_agg(h, '''' order by h collate "C")) as digest
       from (select %2$s as h from only %1$s as x where x.ctid = any ($1)) r',
    of_archive, texts) into after using places;
  execute format('select count(*) from only %s as x where x.ctid = any ($1)',
      of_leaf) into stayed using rows;

  if (before.rows, before.digest) is distinct from (cardinality(rows)::bigint, before.digest)
     or (moved.rows, moved.digest) is distinct from (before.rows, before.digest)
     or (moved.kept, moved.kept_digest) is distinct from (before.rows, before.digest)
     or (after.rows, after.digest) is distinct from (before.rows, before.digest)
     or stayed <> 0 then
    raise exception 'rows of % would not arrive in % as they were: % chosen, % read, % deleted, % inserted, % read again, % still there',
      repot_upkeep.shown(live), of_archive, cardinality(rows), before.rows, moved.rows, moved.kept,
          after.rows, stayed
      using errcode = 'data_exception',
          hint = 'nothing of this chunk was moved; look for triggers and rules on either table';
  end if;
  insert into repot_upkeep.archived (live, archive, how, rows, digest, lowest, highest)
  values (repot_upkeep.shown(live), of_archive, 'rows', before.rows, before.digest, before.lowest,
      before.highest);
  return before.rows;
end $$;
