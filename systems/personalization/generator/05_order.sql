-- Some orders have lost their product (deleted since), some never had a design, some neither. Some sums
-- are 0, and some totals are not what their parts say.
insert into "Order" ("id", "orderNumber", "status", "customerEmail", "customerName", "customerPhone",
                     "shippingAddress", "subtotalCents", "taxCents", "shippingCents", "totalCents",
                     "currency", "paymentStatus", "stripeSessionId", "trackingNumber", "notes",
                     "createdAt", "updatedAt", "paidAt", "shippedAt", "userId", "brandId", "designId",
                     "productId", "metadata")
select
  pg_temp.key('order', i),
  'ORD-' || lpad(i::text, 8, '0'),
  pg_temp.one_of(array['CREATED', 'PAID', 'PAID', 'PROCESSING', 'SHIPPED', 'DELIVERED', 'CANCELLED',
                       'REFUNDED'], 120, i)::"OrderStatus",
  case when pg_temp.r(121, i) < 0.01 then '' else 'client' || pg_temp.pick(122, i, %(users)s) || '@example.org' end,
  pg_temp.one_of(array['Zoé Durand', 'L’Atelier O’Neil', ' Jean ', '', null], 123, i),
  null,
  case when pg_temp.r(124, i) < 0.8 then jsonb_build_object('rue', '3, rue de l’Été', 'cp', '42000') end,
  o.subtotal, o.subtotal / 5, o.shipping,
  o.subtotal + o.subtotal / 5 + o.shipping + case when pg_temp.r(125, i) < 0.02 then 1 else 0 end,
  'EUR',
  pg_temp.one_of(array['PENDING', 'SUCCEEDED', 'SUCCEEDED', 'FAILED', 'REFUNDED'], 126, i)::"PaymentStatus",
  case when pg_temp.r(127, i) < 0.7 then 'cs_' || i end,
  case when pg_temp.r(128, i) < 0.3 then 'COL' || i end,
  case when pg_temp.r(129, i) < 0.1 then E'Sonner deux fois\n— merci' end,
  pg_temp.moment(130, i), pg_temp.moment(130, i) + interval '1 day',
  case when pg_temp.r(131, i) < 0.7 then pg_temp.moment(130, i) + interval '2 minutes' end,
  case when pg_temp.r(132, i) < 0.4 then pg_temp.moment(130, i) + interval '4 days' end,
  case when pg_temp.r(133, i) < 0.8 then pg_temp.key('user', 1 + pg_temp.pick(134, i, %(users)s)) end,
  d."brandId",
  case when mod(i, 37) <> 0 and pg_temp.r(135, i) >= 0.03 then d."id" end,
  case when mod(i, 37) <> 0 and pg_temp.r(136, i) >= 0.02 then d."productId" end,
  case when pg_temp.r(137, i) < 0.2 then pg_temp.options(138, i) end
from generate_series(1, %(orders)s::bigint) i
cross join lateral (select
  case when pg_temp.r(142, i) < 0.02 then 0 else pg_temp.pick(143, i, 25000) end::int as subtotal,
  case when pg_temp.r(144, i) < 0.5 then 490 else 0 end as shipping) o
join "Design" d on d."id" = pg_temp.key('design', 1 + pg_temp.pick(145, i, %(designs)s))
