-- What came in, whole. Lines of no webhook are marked.
select
  l."id", l."webhookId", l."topic", l."shopDomain", l."payload", l."status", l."processedAt",
  l."createdAt",
  w."id" is null as "orphan"
from "WebhookLog" l
left join "Webhook" w on w."id" = l."webhookId"
