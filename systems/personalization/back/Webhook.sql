-- Each call and each topic is a row again; a subscription of V2's own that has neither is one, too.
select
  d."id", s."url", d."createdAt", s."brandId", d."event", d."payload", d."statusCode", d."success",
  d."error", d."idempotencyKey", d."timestamp"
from "WebhookDelivery" d
join "Webhook" s on s."id" = d."webhookId"
union all
select t."id", s."url", t."createdAt", s."brandId", t."event", '{}', null, false, null, null, null
from "WebhookTopic" t
join "Webhook" s on s."id" = t."webhookId"
union all
select
  s."id", s."url", s."createdAt", s."brandId",
  coalesce(lower(replace(s."events"[1]::text, '_', '.')), ''), '{}', null, false, null, null, null
from "Webhook" s
where not exists (select from "WebhookDelivery" d where d."webhookId" = s."id")
  and not exists (select from "WebhookTopic" t where t."webhookId" = s."id")
