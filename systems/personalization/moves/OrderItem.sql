-- One item for each order, priced at the order's subtotal. The first item of an order has its key.
select
  o."id",
  o."id" as "orderId",
  o."productId",
  o."designId",
  1 as "quantity",
  o."subtotalCents" as "priceCents",
  o."subtotalCents" as "totalCents",
  o."createdAt",
  o."createdAt" as "updatedAt"
from "Order" o
where o."productId" is not null
