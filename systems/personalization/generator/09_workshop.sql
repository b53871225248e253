-- Artisans, their quotes, the work they took on and how punctual it was.
insert into "Artisan" ("id", "userId", "businessName", "email", "phone", "address",
                       "supportedMaterials", "supportedTechniques", "maxVolume", "createdAt", "updatedAt")
select
  pg_temp.key('artisan', i),
  case when pg_temp.r(220, i) < 0.6 then pg_temp.key('user', 1 + pg_temp.pick(221, i, %(users)s)) end,
  'Atelier ' || pg_temp.one_of(array['Été', 'Zoé', 'du Bois'], 222, i) || ' ' || i,
  'atelier' || i || '@example.org', null, null, array['bois', 'métal'], '{}',
  case when pg_temp.r(223, i) < 0.5 then 100 end, pg_temp.moment(224, i), pg_temp.moment(224, i)
from generate_series(1, %(artisans)s::bigint) i;

insert into "Quote" ("id", "artisanId", "orderId", "priceCents", "leadTimeDays", "status",
                     "validUntil", "createdAt", "updatedAt")
select
  pg_temp.key('quote', i), pg_temp.key('artisan', 1 + pg_temp.pick(230, i, %(artisans)s)),
  case when pg_temp.r(231, i) < 0.9 then pg_temp.key('order', 1 + pg_temp.pick(232, i, %(orders)s)) end,
  pg_temp.pick(233, i, 9000)::int, 1 + pg_temp.pick(234, i, 30)::int,
  pg_temp.one_of(array['PENDING', 'ACCEPTED', 'REJECTED', 'EXPIRED'], 235, i)::"QuoteStatus",
  case when pg_temp.r(236, i) < 0.7 then pg_temp.moment(237, i) end,
  pg_temp.moment(238, i), pg_temp.moment(238, i)
from generate_series(1, %(quotes)s::bigint) i;

insert into "WorkOrder" ("id", "orderId", "artisanId", "quoteId", "status", "payoutCents", "startedAt",
                         "createdAt", "updatedAt")
select
  pg_temp.key('work', i), pg_temp.key('order', i),
  pg_temp.key('artisan', 1 + pg_temp.pick(240, i, %(artisans)s)),
  case when pg_temp.r(241, i) < 0.5 then pg_temp.key('quote', 1 + pg_temp.pick(242, i, %(quotes)s)) end,
  pg_temp.one_of(array['assigned', 'in_progress', 'done', 'Done'], 243, i),
  case when pg_temp.r(244, i) < 0.6 then pg_temp.pick(245, i, 5000)::int end, null,
  pg_temp.moment(246, i), pg_temp.moment(246, i)
from generate_series(1, least(%(works)s::bigint, %(orders)s::bigint)) i;

insert into "SLARecord" ("id", "artisanId", "workOrderId", "deadline", "completedAt", "onTime",
                         "delayHours", "penaltyCents", "createdAt")
select
  pg_temp.key('sla', i), w."artisanId", w."id", w."createdAt" + interval '7 days',
  case when pg_temp.r(250, i) < 0.5 then w."createdAt" + interval '6 days' end,
  case when pg_temp.r(250, i) < 0.5 then true end, null, 0, w."createdAt"
from generate_series(1, least(%(works)s::bigint, %(orders)s::bigint) / 2) i
join "WorkOrder" w on w."id" = pg_temp.key('work', i)
