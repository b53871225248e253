-- The statements of application.py, each under its name.

-- The first item has the order's key, and the order still names its product: as long as a rollback is
-- possible, V1 can hold it so.
-- name: order
with made as (
  insert into "Order" ("id", "orderNumber", "customerEmail", "subtotalCents", "totalCents", "createdAt",
                       "updatedAt", "brandId", "productId", "designId")
  select %(id)s, %(number)s, 'zoé@example.org', %(price)s, %(price)s, now(), now(), p."brandId", p."id",
         %(design)s
  from "Product" p where p."id" = %(product)s
  returning *)
insert into "OrderItem" ("id", "orderId", "productId", "designId", "priceCents", "totalCents",
                         "createdAt", "updatedAt")
select "id", "id", "productId", "designId", "subtotalCents", "subtotalCents", "createdAt", "createdAt"
from made

-- name: item
insert into "OrderItem" ("id", "orderId", "productId", "quantity", "priceCents", "totalCents", "updatedAt")
values (%(id)s, %(order)s, %(product)s, %(quantity)s, %(price)s,
        %(price)s::integer * %(quantity)s::integer, now())

-- name: status
update "Order" set "status" = %(status)s::"OrderStatus", "notes" = %(notes)s, "updatedAt" = now()
where "id" = %(id)s

-- name: product
insert into "Product" ("id", "name", "slug", "status", "price", "updatedAt", "brandId")
select %(id)s, %(name)s, %(slug)s, 'ACTIVE', %(price)s, now(), p."brandId"
from "Product" p where p."id" = %(product)s

-- name: price
update "Product" set "price" = %(price)s, "description" = %(description)s, "updatedAt" = now()
where "id" = %(id)s

-- The subscription keeps its own figures of its calls.
-- name: call
with called as (
  update "Webhook" set
    "lastCalledAt" = greatest(localtimestamp, "lastCalledAt" + interval '1 millisecond'),
    "updatedAt" = greatest(localtimestamp, "lastCalledAt" + interval '1 millisecond'),
    "lastStatusCode" = %(code)s,
    "failureCount" = "failureCount" + (%(code)s::integer >= 400)::integer
  where "id" = %(webhook)s
  returning *)
insert into "WebhookDelivery" ("id", "webhookId", "event", "payload", "statusCode", "success",
                               "timestamp", "createdAt")
select %(id)s, "id", "events"[1]::text, %(payload)s, %(code)s, %(code)s::integer < 400, "lastCalledAt",
       "lastCalledAt"
from called

-- What it asks for is a topic under the subscription's own key, which V1 can hold; it is named after its host.
-- name: subscription
with made as (
  insert into "Webhook" ("id", "url", "brandId", "name", "events", "createdAt", "updatedAt")
  select %(id)s, %(url)s, p."brandId", 'example.org', '{AR_VIEW}', now(), now()
  from "Product" p where p."id" = %(product)s
  returning *)
insert into "WebhookTopic" ("id", "webhookId", "event", "createdAt")
select "id", "id", 'ar.view', "createdAt" from made

-- name: user
insert into "User" ("id", "email", "firstName", "updatedAt") values (%(id)s, %(email)s, 'Zoé', now())

-- name: delete_asset
delete from "Asset" where "id" = %(id)s

-- name: products
select "id" from "Product" order by "id"

-- name: designs
select "id" from "Design" order by "id"

-- name: orders
select "id" from "Order" order by "id"

-- name: webhooks
select "id" from "Webhook" where cardinality("events") > 0 order by "id"

-- name: assets
select "id" from "Asset" order by "id"

-- name: seen_order
select from "Order" where "id" = %(id)s and "productId" = %(product)s and "designId" = %(design)s
  and "subtotalCents" = %(price)s

-- name: seen_status
select from "Order" where "id" = %(id)s and "status"::text = %(status)s and "notes" = %(notes)s

-- name: seen_product
select from "Product" where "id" = %(id)s and "name" = %(name)s

-- name: seen_price
select from "Product"
where "id" = %(id)s and "price" = %(price)s and "description" = %(description)s

-- name: seen_call
select from "Webhook" where "id" = %(id)s and "payload" = %(payload)s and "statusCode" = %(code)s
  and "success" = (%(code)s::integer < 400)

-- name: seen_subscription
select from "Webhook" where "id" = %(id)s and "url" = %(url)s and "event" = 'ar.view'

-- name: seen_user
select from "User" where "id" = %(id)s and "email" = %(email)s

-- name: seen_delete_asset
select where not exists (select from "Asset" where "id" = %(id)s)
