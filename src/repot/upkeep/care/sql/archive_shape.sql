-- The archive: a table that holds whatever the live one holds, closed to everybody but its owner.

-- One row per chunk that was moved, written in the chunk's own transaction.
create table if not exists repot_upkeep.archived (
  id      bigint generated always as identity primary key,
  at      timestamptz not null default clock_timestamp(),
  xid     xid8 not null default pg_current_xact_id(),
  live    text not null,  -- the tables as they were named then
  archive text not null,
  how     text not null check (how in ('rows', 'partition')),
  rows    bigint not null,
  digest  text not null,  -- of the rows' texts, in any order: the same before they left and after
  lowest  text,           -- of the column of time
  highest text
);

-- Where the rows of a table go: as set, else the table of the same name in the schema `archive`.
create or replace function repot_upkeep.archive_name(
  settings jsonb, live regclass, out schema text, out called text
)  language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  parts text[];
begin
  if coalesce(settings ->> 'into', '') = '' then
    schema := 'archive';
    called := (select relname from pg_class where oid = live);
    return;
  end if;
  parts := parse_ident(settings ->> 'into');
  if cardinality(parts) <> 2 or octet_length(parts[2]) > 63 or octet_length(parts[1]) > 63 then
    raise exception 'the setting "into" is %: a schema and a table', settings ->> 'into'
      using errcode = 'invalid_parameter_value', hint = 'for instance archive.orders, quoted as in SQL';
  end if;
  schema := parts[1];
  called := parts[2];
end $$;

-- Nobody but the owner, whatever the default privileges gave: an archive is for no API.
create or replace function repot_upkeep.close_table(object regclass) returns void
  language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  who record;
begin
  for who in
    select distinct case when x.grantee = 0 then 'public'
                         else quote_ident(pg_get_userbyid(x.grantee)) end as grantee
      from pg_class c cross join aclexplode(c.relacl) x
     where c.oid = object and x.grantee <> c.relowner
  loop
    execute format('revoke all on %s from %s', repot_upkeep.shown(object), who.grantee);
  end loop;
  execute format('alter table %s enable row level security', repot_upkeep.shown(object));
end $$;

-- Make the archive of a table. whole: rows come as partitions.
create or replace function repot_upkeep.make_archive(
  live regclass, schema text, called text, keys boolean, whole boolean
) returns regclass language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  named text := format('%I.%I', schema, called);
  made regclass;
  one record;
begin
  if to_regnamespace(quote_ident(schema)) is null then
    execute format('create schema %I', schema);
  end if;
  -- LIKE takes names, types and NOT NULL: no defaults, no identity; generated columns become plain
  -- ones, which keep what was generated.
  execute format('create table %s (like %s) %s', named, repot_upkeep.shown(live),
                 case when whole then 'partition by ' || pg_get_partkeydef(live) else '' end);
  made := named::regclass;
  perform repot_upkeep.close_table(made);
  execute format('comment on table %s is %L', named,
                 'Old rows of ' || repot_upkeep.shown(live) || ', moved here by repot upkeep');
  for one in
    select string_agg(quote_ident(a.attname), ', ' order by k.place) as columns
      from pg_index i
     cross join unnest(i.indkey::smallint[]) with ordinality k (num, place)
      join pg_attribute a on a.attrelid = live and a.attnum = k.num
     where i.indrelid = live and i.indisprimary and not whole and k.place <= i.indnkeyatts
    having count(*) > 0
  loop
    execute format('create index on %s (%s)', named, one.columns);
  end loop;
  -- What the live rows refer to takes archived rows with it in the same way: whoever is deleted is
  -- deleted here, too.
  for one in
    select k.conname, pg_get_constraintdef(k.oid) as definition,
           (select string_agg(quote_ident(a.attname), ', ' order by u.place)
              from unnest(k.conkey) with ordinality u (num, place)
              join pg_attribute a on a.attrelid = k.conrelid and a.attnum = u.num) as columns
      from pg_constraint k
     where k.conrelid = live and k.contype = 'f' and k.conparentid = 0 and k.confrelid <> live and keys
     order by k.conname
  loop
    execute format('alter table %s add constraint %I %s', named, one.conname, one.definition);
    if not whole then  -- partitions bring their own indexes
      execute format('create index on %s (%s)', named, one.columns);
    end if;
  end loop;
  return made;
end $$;

-- Give the archive the columns that the live table has got since; findings of severity error: what
-- cannot be brought in line.
create or replace function repot_upkeep.fit_archive(live regclass, archive regclass) returns jsonb
  language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  named text := repot_upkeep.shown(archive);
  findings jsonb := '[]';
  one record;
begin
  for one in
    select l.attname, format_type(l.atttypid, l.atttypmod) as kind, l.attnotnull,
           a.attnum as there, a.attgenerated, a.attnotnull as demanding,
           format_type(a.atttypid, a.atttypmod) as kind_there,
           (a.atttypid, a.atttypmod, a.attcollation) = (l.atttypid, l.atttypmod, l.attcollation) as same,
           (select format(' collate %I.%I', n.nspname, c.collname) from pg_collation c
              join pg_namespace n on n.oid = c.collnamespace
              join pg_type t on t.oid = l.atttypid
             where c.oid = l.attcollation and l.attcollation <> t.typcollation) as collated
      from pg_attribute l
      left join pg_attribute a on a.attrelid = archive and a.attname = l.attname
                              and a.attnum > 0 and not a.attisdropped
     where l.attrelid = live and l.attnum > 0 and not l.attisdropped
     order by l.attnum
  loop
    if one.there is null then
      execute format('alter table %s add column %I %s%s', named, one.attname, one.kind,
                     coalesce(one.collated, ''));
      findings := findings || repot_upkeep.finding(
        'archive-column-added', 'info',
        format('%s got the column %I that %s has by now', named, one.attname, repot_upkeep.shown(live)),
        'in rows that were archived before, it is NULL', named);
    elsif not one.same then
      findings := findings || repot_upkeep.finding(
        'archive-type', 'error',
        format('%I is %s in %s and %s in %s', one.attname, one.kind, repot_upkeep.shown(live),
               one.kind_there, named),
        format('alter table %s alter column %I type %s%s;', named, one.attname, one.kind,
               coalesce(one.collated, '')), named);
    elsif one.attgenerated <> '' then
      findings := findings || repot_upkeep.finding(
        'archive-generated', 'error',
        format('%I is generated in %s: it would not keep what the live row had', one.attname, named),
        format('alter table %s alter column %I drop expression;', named, one.attname), named);
    elsif one.demanding and not one.attnotnull then
      execute format('alter table %s alter column %I drop not null', named, one.attname);
    end if;
  end loop;
  for one in
    select a.attname, a.attnotnull and not a.atthasdef and a.attidentity = '' as demanding
      from pg_attribute a
     where a.attrelid = archive and a.attnum > 0 and not a.attisdropped
       and not exists (select from pg_attribute l where l.attrelid = live and l.attname = a.attname
                          and l.attnum > 0 and not l.attisdropped)
  loop
    if one.demanding then
      execute format('alter table %s alter column %I drop not null', named, one.attname);
    end if;
  end loop;
  return findings;
end $$;
