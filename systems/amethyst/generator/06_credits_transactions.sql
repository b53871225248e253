-- What was used is noted with either sign here.
insert into public.credits_transactions (id, profile_id, amount, type, description, created_at,
                                         metadata)
select
  pg_temp.key('credits', m.i),
  case when pg_temp.r(80, m.i) >= 0.004 then pg_temp.key('user', m.owner) end,
  case
    when pg_temp.r(81, m.i) < 0.003 then 0
    when m.places = 'both' and m.twin = 'amount' and m.reference is not null then m.amount + 1
    when m.kind = 'generation' and pg_temp.r(82, m.i) < 0.5 then - m.amount
    else m.amount
  end,
  case m.kind when 'ad_reward' then 'reward' when 'generation' then 'usage' else m.kind end,
  case when pg_temp.r(83, m.i) < 0.5
       then pg_temp.one_of(array['stripe', 'ad', 'image x2', 'geste commercial'], 84, m.i) end,
  (m.at + case
    when m.places <> 'both' or m.twin = 'same' then interval '0'
    when m.twin = 'paris' then (m.at at time zone 'Europe/Paris') - (m.at at time zone 'UTC')
    when m.twin in ('minutes', 'amount') and m.reference is not null
      then pg_temp.r(85, m.i) * interval '40 minutes'
    else (pg_temp.r(85, m.i) - 0.5) * interval '40 seconds'
  end) at time zone 'UTC',
  case
    when m.kind in ('purchase', 'refund') and m.reference is not null
      and (m.twin in ('minutes', 'amount') or pg_temp.r(86, m.i) < 0.5)
      then jsonb_build_object('payment_intent', m.reference, 'session', 'cs_' || m.i)
    when m.kind = 'ad_reward' and (m.twin in ('minutes', 'amount') or pg_temp.r(86, m.i) < 0.4)
      then jsonb_build_object('ad_view_id', m.reference)
  end
from movements m
where m.places <> 'credit'
