insert into public.subscription_history (id, profile_id, tier, status, stripe_subscription_id,
                                         started_at, ended_at, metadata)
select
  pg_temp.key('subscription', i),
  case when pg_temp.r(260, i) >= 0.01
       then pg_temp.key('user', 1 + %(bare)s
                        + pg_temp.pick(261, i, %(users)s + %(gone)s - %(bare)s)) end,
  pg_temp.one_of(array['pro', 'studio'], 262, i), pg_temp.one_of(array['active', 'canceled'], 263, i),
  case when pg_temp.r(264, i) < 0.9 then 'sub_' || md5(i::text) end,
  pg_temp.moment(265, i) at time zone 'UTC',
  case when pg_temp.r(266, i) < 0.6 then (pg_temp.moment(265, i) + interval '30 days') at time zone 'UTC' end,
  case when pg_temp.r(267, i) < 0.5 then jsonb_build_object('coupon', 'ÉTÉ') end
from generate_series(1, %(subscriptions)s::bigint) i
