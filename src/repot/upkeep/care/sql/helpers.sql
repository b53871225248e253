-- What the built-ins of upkeep share. All of them run with the rights of whoever calls them.

-- A setting that must be there, as text.
create or replace function repot_upkeep.given(settings jsonb, setting text) returns text
  language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
  if coalesce(settings ->> setting, '') = '' then
    raise exception 'the setting "%" is missing', setting
      using errcode = 'invalid_parameter_value';
  end if;
  return settings ->> setting;
end $$;

-- A list among the settings, as an array.
create or replace function repot_upkeep.listed(settings jsonb, setting text) returns text[]
  language sql immutable set search_path = pg_catalog, pg_temp as $$
  select coalesce(array_agg(e.value order by e.place), '{}')
    from jsonb_array_elements_text(coalesce(nullif(settings -> setting, 'null'), '[]'))
         with ordinality as e (value, place)
$$;

-- One finding, as model/finding.py reads it.
create or replace function repot_upkeep.finding(
  code text, severity text, message text, hint text default '', object text default null,
  count bigint default null, examples text[] default '{}'
) returns jsonb language sql immutable set search_path = pg_catalog, pg_temp as $$
  select jsonb_strip_nulls(jsonb_build_object(
    'code', code, 'severity', severity, 'message', message, 'hint', coalesce(hint, ''),
    'object', object, 'count', count, 'examples', to_jsonb(coalesce(examples, '{}'))))
$$;

-- What a built-in gives back: right unless a finding is an error.
create or replace function repot_upkeep.outcome(
  summary text, figures jsonb default '{}', findings jsonb default '[]'
) returns jsonb language sql immutable set search_path = pg_catalog, pg_temp as $$
  select jsonb_build_object(
    'ok', not coalesce(findings, '[]') @> '[{"severity": "error"}]',
    'summary', summary,
    'figures', coalesce(figures, '{}'),
    'findings', coalesce(findings, '[]'))
$$;

-- schema.name, quoted where it must be, whatever the search_path.
create or replace function repot_upkeep.shown(object oid) returns text
  language sql stable set search_path = pg_catalog, pg_temp as $$
  select format('%I.%I', n.nspname, c.relname)
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
   where c.oid = object
$$;

-- The table that a setting names. Names are written as in SQL, with their schema.
create or replace function repot_upkeep.table_of(settings jsonb, setting text default 'table')
  returns regclass
  language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  written text := repot_upkeep.given(settings, setting);
  found regclass;
begin
  begin
    found := to_regclass(written);
  exception
    when syntax_error or invalid_name or feature_not_supported or insufficient_privilege then null;
  end;
  if found is null then
    raise exception 'there is no table %', written
      using errcode = 'undefined_table',
            hint = 'write it with its schema, quoted as in SQL: public.orders, "Shop"."Order"';
  end if;
  if (select relkind from pg_class where oid = found) not in ('r', 'p') then
    raise exception '% is not a table', written using errcode = 'wrong_object_type';
  end if;
  return found;
end $$;

-- The number of a table's column, or an error that names it.
create or replace function repot_upkeep.column_of(of_table regclass, called text) returns smallint
  language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  found smallint;
begin
  select attnum into found from pg_attribute
   where attrelid = of_table and attname = called and attnum > 0 and not attisdropped;
  if found is null then
    raise exception '% has no column %', repot_upkeep.shown(of_table), quote_ident(called)
      using errcode = 'undefined_column',
            hint = 'columns are written as they are called, without quotes';
  end if;
  return found;
end $$;

-- The condition of a setting, for placing after WHERE; refused unless the table can answer it.
create or replace function repot_upkeep.condition_of(
  of_table regclass, settings jsonb, setting text default 'where'
) returns text language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  written text := coalesce(nullif(btrim(settings ->> setting), ''), 'true');
begin
  begin
    -- As it is and in parentheses: a condition that closes them and opens others, "a) or (b", would
    -- be another one once something is added with AND. The line's end ends a comment.
    execute format(E'select from %s as t where %s\n limit 0', repot_upkeep.shown(of_table), written);
    written := '(' || written || E'\n)';
    execute format('select from %s as t where %s is true limit 0', repot_upkeep.shown(of_table),
        written);
  exception
    when insufficient_privilege then raise;
    when syntax_error_or_access_rule_violation then
      raise exception 'the setting "%" is no condition on %: %',
        setting, repot_upkeep.shown(of_table), sqlerrm
        using errcode = 'invalid_parameter_value',
              hint = 'write what stands after WHERE; functions of your own with their schema';
  end;
  return written;
end $$;

-- "older than an age": a comparison of a column of time with a moment that stays the same in all
-- rounds of a run. A column without time zone is taken to be in the time zone of the settings.
create or replace function repot_upkeep.older_of(
  of_table regclass, settings jsonb, setting text default 'column'
) returns text language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  called text := repot_upkeep.given(settings, setting);
  number smallint := repot_upkeep.column_of(of_table, called);
  kind regtype := (select coalesce(nullif(t.typbasetype, 0), t.oid)
                     from pg_attribute a join pg_type t on t.oid = a.atttypid
                    where a.attrelid = of_table and a.attnum = number);
  zone text := coalesce(settings ->> 'time_zone', 'UTC');
  since timestamptz := coalesce(
    (settings #>> '{so_far,figures,before}')::timestamptz,
    now() - repot_upkeep.given(settings, 'older_than')::interval);
begin
  if since > now() then
    raise exception 'the setting "older_than" is below zero'
      using errcode = 'invalid_parameter_value';
  end if;
  if kind not in ('timestamptz', 'timestamp', 'date') then
    raise exception '%.% is %, not a time', repot_upkeep.shown(of_table), quote_ident(called), kind
      using errcode = 'datatype_mismatch', hint = 'name a column of type timestamptz, timestamp or date';
  end if;
  return format('t.%I < %L::%s', called,
                case kind when 'timestamptz'::regtype then since::text
                          else (since at time zone zone)::text end, kind);
end $$;

-- The moment that `older_of` compares with, for the figures.
create or replace function repot_upkeep.before_of(settings jsonb) returns timestamptz
  language sql stable set search_path = pg_catalog, pg_temp as $$
  select coalesce((settings #>> '{so_far,figures,before}')::timestamptz,
                  now() - repot_upkeep.given(settings, 'older_than')::interval)
$$;

-- An expression for a row's key as text. Values of columns that are called like secrets or personal
-- data are not shown.
create or replace function repot_upkeep.key_of(of_table regclass) returns text
  language sql stable set search_path = pg_catalog, pg_temp as $$
  select coalesce(
    (select string_agg(
              case when a.attname ~* '(^|_)(e_?mail|mail|phone|tel|token|secret|key|password|hash|name|iban|ip|address|session)s?(_|$)'
                   then quote_literal('(' || a.attname || ' not shown)')
                   else format('t.%I::text', a.attname) end, ' || '', '' || '
              order by k.place)
       from pg_index i
       cross join unnest(i.indkey::smallint[]) with ordinality as k (attnum, place)
       join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
      where i.indrelid = of_table and i.indisprimary and k.place <= i.indnkeyatts),
    't.ctid::text')
$$;

-- The schemas that are looked at: those listed, else all but the system's and Repot's.
create or replace function repot_upkeep.schemas_of(settings jsonb) returns oid[]
  language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  wanted text[] := repot_upkeep.listed(settings, 'schemas');
  absent text[] := array(select w from unnest(wanted) w
                          where not exists (select from pg_namespace where nspname = w));
begin
  if absent <> '{}' then
    raise exception 'there is no schema %', array_to_string(absent, ', ')
      using errcode = 'invalid_schema_name',
          hint = 'schemas are written as they are called, without quotes';
  end if;
  return array(
    select oid from pg_namespace
     where case when wanted <> '{}' then nspname = any (wanted)
                else nspname !~ '^pg_' and nspname <> 'information_schema'
                     and nspname !~ '^repot(_|$)' end);
end $$;

-- Whether tables and their contents may be looked after by this role: as their owner, or as a member.
create or replace function repot_upkeep.owns(object oid) returns boolean
  language sql stable set search_path = pg_catalog, pg_temp as $$
  select pg_has_role(relowner, 'USAGE') from pg_class where oid = object
$$;

-- A size in bytes for people.
create or replace function repot_upkeep.size(bytes numeric) returns text
  language sql immutable set search_path = pg_catalog, pg_temp as $$
  select pg_size_pretty(bytes)
$$;
