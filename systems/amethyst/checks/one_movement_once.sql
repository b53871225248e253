-- No payment and no advert counts twice under one key, and what has a reference has a key.
select t.id, t.user_id, t.kind, t.metadata ->> 'payment_intent' as payment_intent
from credit_transactions t
where t.source = 'v1:both' and t.idempotency_key is null
  and coalesce(t.metadata ->> 'payment_intent', t.metadata ->> 'ad_view_id') is not null
  and not exists (
    select from credit_transactions o
    where o.user_id = t.user_id and o.kind = t.kind and o.idempotency_key is not null
      and coalesce(o.metadata ->> 'payment_intent', o.metadata ->> 'ad_view_id')
          = coalesce(t.metadata ->> 'payment_intent', t.metadata ->> 'ad_view_id'))
