insert into "Customization" ("id", "name", "prompt", "promptHash", "zoneId", "productId", "font",
                             "color", "size", "effect", "options", "status", "jobId", "errorMessage",
                             "costCents", "userId", "brandId", "designId", "orderId", "createdAt",
                             "updatedAt", "completedAt")
select
  pg_temp.key('customization', i), null,
  pg_temp.one_of(array['Zoé', 'À jamais', 'LÉA ♥', ''], 170, i), null,
  z."id", z."productId", pg_temp.one_of(array['Inter', null], 171, i),
  pg_temp.one_of(array['#000000', '#FFF', 'rouge', null], 172, i), 12,
  pg_temp.one_of(array['NORMAL', 'EMBOSSED', 'ENGRAVED', 'PRINTED'], 173, i)::"CustomizationEffect",
  case when pg_temp.r(174, i) < 0.4 then pg_temp.options(175, i) end,
  pg_temp.one_of(array['PENDING', 'PROCESSING', 'COMPLETED', 'FAILED'], 180, i)::"CustomizationStatus",
  case when pg_temp.r(181, i) < 0.8 then 'job-' || i end, null, 0,
  case when pg_temp.r(182, i) < 0.6 then pg_temp.key('user', 1 + pg_temp.pick(183, i, %(users)s)) end,
  case when pg_temp.r(184, i) < 0.9 then (select p."brandId" from "Product" p where p."id" = z."productId") end,
  case when pg_temp.r(185, i) < 0.7 then pg_temp.key('design', 1 + pg_temp.pick(186, i, %(designs)s)) end,
  case when pg_temp.r(187, i) < 0.5 then pg_temp.key('order', 1 + pg_temp.pick(188, i, %(orders)s)) end,
  pg_temp.moment(189, i), pg_temp.moment(189, i), null
from generate_series(1, %(customizations)s::bigint) i
join "Zone" z on z."id" = pg_temp.key('zone', 1 + pg_temp.pick(190, i, %(zones)s))
