-- An order without product can have no item. It stays, and is named here.
select
  o."id" as "orderId",
  o."designId",
  o."subtotalCents",
  case when o."designId" is null then 'no product, no design' else 'no product' end as "reason"
from "Order" o
where o."productId" is null
