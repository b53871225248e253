-- One table for both: what a brand subscribes to, and each call that was made. Most rows are calls, and
-- the address repeats in each; some are subscriptions that were never called, some both at once. A brand
-- has at most four addresses; ties in createdAt are there.
insert into "Webhook" ("id", "url", "createdAt", "brandId", "event", "payload", "statusCode", "success",
                       "error", "idempotencyKey", "timestamp")
select
  pg_temp.key('webhook', i),
  'https://brand-' || w.brand + 1 || '.example.org/hooks/' || pg_temp.pick(281, i, 4),
  date_trunc('minute', pg_temp.moment(282, i / 3)),
  pg_temp.key('brand', 1 + w.brand),
  pg_temp.one_of(array['generation.started', 'generation.completed', 'GENERATION_FAILED',
                       'Generation.Completed', 'ar.view', 'order.created', 'order.paid',
                       'commande.expédiée', ''], 283, i),
  case when not w.called then '{}'::jsonb
       when pg_temp.r(284, i) < 0.03 then 'null'::jsonb
       else pg_temp.options(285, i) end,
  case when w.called and pg_temp.r(290, i) < 0.9
       then (array[200, 200, 201, 404, 500, 0])[1 + pg_temp.pick(291, i, 6)] end,
  w.called and pg_temp.r(292, i) < 0.7,
  case when w.called and pg_temp.r(292, i) >= 0.7
       then pg_temp.one_of(array['connect ETIMEDOUT', 'réponse « 500 »', '', null], 293, i) end,
  case when w.called and pg_temp.r(294, i) < 0.5 then 'idem-' || i end,
  case when w.called and pg_temp.r(295, i) < 0.95
       then date_trunc('minute', pg_temp.moment(282, i / 3)) + interval '1.234 seconds' end
from generate_series(1, %(webhooks)s::bigint) i
cross join lateral (select pg_temp.popular(280, i, %(brands)s) as brand,
                           pg_temp.r(296, i) >= 0.08 as called) w
