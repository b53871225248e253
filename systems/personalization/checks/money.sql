-- An item's total is price times quantity, and the items of an order of V1 come to its subtotal.
select i."id", i."priceCents", i."quantity", i."totalCents"
from "OrderItem" i
where i."totalCents"::bigint <> i."priceCents"::bigint * i."quantity"
union all
select o."id", o."subtotalCents", 1, i."totalCents"
from "Order" o
join "OrderItem" i on i."id" = o."id"
where o."subtotalCents" <> i."totalCents"
