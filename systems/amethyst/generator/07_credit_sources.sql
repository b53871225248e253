insert into public.credit_sources (id, profile_id, type, amount, created_at, expires_at, metadata)
select
  pg_temp.key('source', i),
  case when pg_temp.r(90, i) >= 0.004
       then pg_temp.key('user', 1 + %(bare)s
                        + pg_temp.popular(91, i, %(users)s + %(gone)s - %(bare)s)) end,
  pg_temp.one_of(array['ad_view', 'ad_view', 'ad_click', 'stripe_purchase', 'reward'], 92, i),
  1 + pg_temp.pick(93, i, 100)::int,
  pg_temp.moment(94, i),
  case when pg_temp.r(95, i) < 0.3 then pg_temp.moment(94, i) + interval '90 days' end,
  case when pg_temp.r(96, i) < 0.4 then jsonb_build_object('campagne', 'été ' || i) end
from generate_series(1, %(sources)s::bigint) i
