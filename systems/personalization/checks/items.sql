-- Every order has its items or is named among those that cannot have any; never both, never neither.
select o."id", o."orderNumber"
from "Order" o
where exists (select from "OrderItem" i where i."orderId" = o."id")
  = exists (select from "OrderWithoutItem" n where n."orderId" = o."id")
