-- A row of V1 that was called: the call, with all that was known of it.
select
  w."id", f.first as "webhookId", w."event", w."payload", w."statusCode", w."success", w."error",
  w."idempotencyKey", w."timestamp", w."createdAt"
from "Webhook" w
join (
  select a."brandId", a."url", (array_agg(a."id" order by a."createdAt", a."id" collate "C"))[1] as first
  from "Webhook" a
  group by a."brandId", a."url") f on f."brandId" = w."brandId" and f."url" = w."url"
where w."success" or w."statusCode" is not null or w."error" is not null or w."timestamp" is not null
  or w."idempotencyKey" is not null or w."payload" <> '{}'
