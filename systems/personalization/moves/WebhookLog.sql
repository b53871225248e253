-- What is told of webhooks that are there; the line as it came is in WebhookLogArchive.
select
  l."id",
  f.first as "webhookId",
  l."topic" as "event",
  case when lower(l."status") like 'failed%' then l."status" end as "error",
  round(extract(epoch from l."processedAt" - l."createdAt") * 1000)::integer as "duration",
  l."createdAt"
from "WebhookLog" l
join "Webhook" w on w."id" = l."webhookId"
join (
  select a."brandId", a."url", (array_agg(a."id" order by a."createdAt", a."id" collate "C"))[1] as first
  from "Webhook" a
  group by a."brandId", a."url") f on f."brandId" = w."brandId" and f."url" = w."url"
