-- When a task is due, for runners inside the database. The program has cronsim for this; the tests
-- hold the two against each other. Times are whole minutes. Compiling these queries (jit) would take
-- seconds, running them takes none.

-- Whether a schedule names this day. spec: lists `days` (-1000: the last one, -1001: the last
-- weekday), `months`, `weekdays` (0 and 7: Sunday), `nth` ([weekday, n]; -1000: the last one);
-- `both`: day and weekday must fit, else one of them.
create or replace function repot_upkeep.on_day(spec jsonb, day date) returns boolean
  language sql immutable set search_path = pg_catalog, pg_temp as $$
  with of as (
    select extract(day from day)::int as d, extract(isodow from day)::int as w,
           (date_trunc('month', day::timestamp) + interval '1 month - 1 day')::date as last
  ), fits as (
    select spec -> 'days' @> to_jsonb(d)
        or (spec -> 'days' @> '-1000' and day = last)
        or (spec -> 'days' @> '-1001' and day =
             last - greatest(extract(isodow from last)::int - 5, 0)) as by_day,
           spec -> 'weekdays' @> to_jsonb(w) or spec -> 'weekdays' @> to_jsonb(w % 7)
        or exists (
             select from jsonb_array_elements(spec -> 'nth') as n(pair)
             where (pair ->> 0)::int % 7 = w % 7
               and case (pair ->> 1)::int when -1000 then day + 7 > last
                   else (d + 6) / 7 = (pair ->> 1)::int end) as by_weekday
    from of
  )
  select spec -> 'months' @> to_jsonb(extract(month from day)::int)
     and case when (spec ->> 'both')::boolean then by_day and by_weekday
              else by_day or by_weekday end
  from fits
$$;

-- The instants at which clocks of the zone show `wall`: none where it is skipped, two where it is
-- repeated. Without settings of its own, so that it becomes part of the query that asks.
create or replace function repot_upkeep.instants(wall timestamp, zone text)
  returns setof timestamptz
  language sql stable as $$
  select distinct wall at time zone 'UTC' - away
  from (values (interval '-1 day'), (interval '1 day')) as near(by),
       lateral (select wall at time zone 'UTC' + by) as there(at),
       lateral (select (at at time zone zone) - (at at time zone 'UTC')) as offset_(away)
  where (wall at time zone 'UTC' - away) at time zone zone = wall
$$;

-- The due times after `since` up to `until`, in order. spec: as for on_day, with lists `minutes` and
-- `hours`. `fixed`: each wall time counts once: at the first of its two instants where it is
-- repeated, at the next time that exists where it is skipped. Not fixed: at every instant at which
-- a clock shows it.
create or replace function repot_upkeep.dues(
  spec jsonb, zone text, since timestamptz, until timestamptz
) returns setof timestamptz
  language sql stable set search_path = pg_catalog, pg_temp set jit = off as $$
  with wall as (
    select day::date + make_interval(hours => h::int, mins => m::int) as at
    from generate_series(
           ((since at time zone zone)::date - 1)::timestamp,
           ((until at time zone zone)::date + 1)::timestamp, interval '1 day') as days(day),
         jsonb_array_elements_text(spec -> 'hours') as hours(h),
         jsonb_array_elements_text(spec -> 'minutes') as minutes(m)
    where repot_upkeep.on_day(spec, day::date)
  ), due as (
    select one.at
    from wall, lateral (
      select case when (spec ->> 'fixed')::boolean then coalesce(
               min(i),
               (select min(later) from generate_series(1, 180) as past(minute),
                  lateral repot_upkeep.instants(wall.at + make_interval(mins => minute), zone)
                    as l(later))
             ) end
      from repot_upkeep.instants(wall.at, zone) as i
      where (spec ->> 'fixed')::boolean
      union all
      select i from repot_upkeep.instants(wall.at, zone) as i
      where not (spec ->> 'fixed')::boolean
    ) as one(at)
  )
  select distinct at from due where at > since and at <= until order by at
$$;

-- The newest due time after `since` up to `until`, or null; looks at the last days first.
create or replace function repot_upkeep.last_due(
  spec jsonb, zone text, since timestamptz, until timestamptz
) returns timestamptz
  language plpgsql stable set search_path = pg_catalog, pg_temp set jit = off as $$
declare
  upper_end timestamptz := until;
  lower_end timestamptz;
  span interval := '2 days';
  found timestamptz;
begin
  while upper_end > since loop
    lower_end := greatest(since, upper_end - span);
    select max(d) into found from repot_upkeep.dues(spec, zone, lower_end, upper_end) as d;
    if found is not null then
      return found;
    end if;
    upper_end := lower_end;
    span := span * 4;
  end loop;
  return null;
end $$;

-- How many due times there are after `since` and before `until`; 10,000 at most.
create or replace function repot_upkeep.count_dues(
  spec jsonb, zone text, since timestamptz, until timestamptz
) returns integer
  language plpgsql stable set search_path = pg_catalog, pg_temp set jit = off as $$
declare
  start timestamptz := since;
  stop timestamptz;
  counted integer := 0;
begin
  while start < until and counted < 10000 loop
    stop := least(until, start + interval '7 days');
    select counted + count(*) filter (where d < until) into counted
    from repot_upkeep.dues(spec, zone, start, stop) as d;
    start := stop;
  end loop;
  return least(counted, 10000);
end $$;
