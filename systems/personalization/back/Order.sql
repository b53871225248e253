-- V1 knows one product and one design an order: those of its only item, where the order itself names none.
-- An order of several items has no place in V1; it comes back without product.
select
  o."id", o."orderNumber", o."status", o."customerEmail", o."customerName", o."customerPhone",
  o."shippingAddress", o."subtotalCents", o."taxCents", o."shippingCents", o."totalCents",
  o."currency", o."paymentStatus", o."stripeSessionId", o."stripePaymentId", o."trackingNumber",
  o."trackingUrl", o."notes", o."createdAt", o."updatedAt", o."paidAt", o."shippedAt", o."userId",
  o."brandId",
  coalesce(o."designId", i.design) as "designId",
  coalesce(o."productId", i.product) as "productId",
  o."metadata"
from "Order" o
left join (
  select m."orderId", min(m."designId") as design, min(m."productId") as product
  from "OrderItem" m
  group by m."orderId"
  having count(*) = 1) i on i."orderId" = o."id"
