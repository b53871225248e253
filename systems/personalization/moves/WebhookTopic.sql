-- A row of V1 that was never called: what a subscription asked for, in its own words.
select w."id", f.first as "webhookId", w."event", w."createdAt"
from "Webhook" w
join (
  select a."brandId", a."url", (array_agg(a."id" order by a."createdAt", a."id" collate "C"))[1] as first
  from "Webhook" a
  group by a."brandId", a."url") f on f."brandId" = w."brandId" and f."url" = w."url"
where not w."success" and w."statusCode" is null and w."error" is null and w."timestamp" is null
  and w."idempotencyKey" is null and w."payload" = '{}'
