-- What really happened to people's credits; the two ledgers of V1 each tell a part of it. `places`:
-- both, credit or credits. Profiles: 1 to users + gone; the first `bare` accounts have none, the last
-- `gone` profiles have no account.
create temp table movements on commit drop as
select
  i,
  1 + %(bare)s + pg_temp.popular(20, i, %(users)s + %(gone)s - %(bare)s) as owner,
  k.kind,
  case k.kind
    when 'purchase' then (array[50, 100, 100, 250, 500])[1 + pg_temp.pick(22, i, 5)]
    when 'ad_reward' then 1 + pg_temp.pick(23, i, 2)::int
    when 'generation' then - (array[1, 1, 2, 4, 10, 25])[1 + pg_temp.pick(24, i, 6)]
    else (array[1, 2, 4, 10, -100])[1 + pg_temp.pick(25, i, 5)]
  end as amount,
  pg_temp.moment(26, i) as at,
  case
    when pg_temp.r(27, i) < 0.45 then 'both'
    when pg_temp.r(27, i) < 0.85 then 'credit'
    else 'credits'
  end as places,
  -- how the twin in the other ledger differs
  case
    when pg_temp.r(28, i) < 0.55 then 'seconds'
    when pg_temp.r(28, i) < 0.80 then 'minutes'  -- told by the reference alone
    when pg_temp.r(28, i) < 0.88 then 'amount'  -- the same reference, other figures
    when pg_temp.r(28, i) < 0.93 then 'paris'  -- written in local time: an hour or two late
    else 'same'
  end as twin,
  case k.kind
    when 'purchase' then 'pi_' || md5(i::text || 'intent')
    when 'ad_reward' then pg_temp.key('advert', i)::text
    when 'refund' then case when pg_temp.r(29, i) < 0.3 then 'pi_' || md5(i::text || 'intent') end
  end as reference
from generate_series(1, %(movements)s::bigint) i
cross join lateral (
  select case
    when pg_temp.r(21, i) < 0.14 then 'purchase'
    when pg_temp.r(21, i) < 0.40 then 'ad_reward'
    when pg_temp.r(21, i) < 0.94 then 'generation'
    else 'refund'
  end as kind
) k
