-- Adverts that were watched; the twin tables each tell a part of it.
create temp table views on commit drop as
select
  i,
  1 + %(bare)s + pg_temp.popular(30, i, %(users)s + %(gone)s - %(bare)s) as owner,
  'ad-' || pg_temp.popular(31, i, 40) as ad,
  pg_temp.moment(32, i)::timestamptz at time zone 'UTC' as at,
  pg_temp.pick(33, i, 61)::int as seconds,
  pg_temp.one_of(array['web', 'web', 'mobile', 'desktop'], 34, i) as platform,
  case
    when pg_temp.r(35, i) < 0.4 then 'both'
    when pg_temp.r(35, i) < 0.75 then 'views'
    else 'history'
  end as places
from generate_series(1, %(views)s::bigint) i
