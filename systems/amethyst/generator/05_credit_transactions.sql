-- Also: movements of nobody and of nothing, and payments whose event Stripe sent twice.
insert into public.credit_transactions (id, profile_id, amount, type, description, metadata, created_at)
select
  pg_temp.key('credit', m.i),
  case when pg_temp.r(72, m.i) >= 0.004 then pg_temp.key('user', m.owner) end,
  case when pg_temp.r(73, m.i) < 0.003 then 0 else m.amount end,
  m.kind,
  case when pg_temp.r(74, m.i) < 0.7
       then pg_temp.one_of(array['Achat de crédits', 'Publicité', 'Génération « été »', 'Remboursement'],
                           75, m.i) end,
  case
    when m.kind in ('purchase', 'refund') and m.reference is not null
      and (m.twin in ('minutes', 'amount') or pg_temp.r(76, m.i) < 0.6)
      then jsonb_build_object('payment_intent', m.reference, 'currency', 'eur')
    when m.kind = 'ad_reward' and (m.twin in ('minutes', 'amount') or pg_temp.r(76, m.i) < 0.5)
      then jsonb_build_object('ad_view_id', m.reference)
    when pg_temp.r(77, m.i) < 0.2 then '{}'::jsonb
  end,
  m.at
from movements m
where m.places <> 'credits'
union all
select pg_temp.key('credit again', m.i), pg_temp.key('user', m.owner), m.amount, m.kind, 'webhook',
       jsonb_build_object('payment_intent', m.reference), m.at + interval '40 minutes'
from movements m
where m.places <> 'credits' and m.kind = 'purchase' and pg_temp.r(78, m.i) < 0.02
