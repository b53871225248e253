-- What came in before is in the archive; what was logged since is told as far as V1 has words for it.
select
  a."id", a."webhookId", a."topic", a."shopDomain", a."payload", a."status", a."processedAt",
  a."createdAt"
from "WebhookLogArchive" a
union all
select
  l."id", l."webhookId", l."event", '', coalesce(l."response", '{}'),
  coalesce(l."error", 'processed'),
  (l."createdAt" + l."duration" * interval '1 millisecond')::timestamp(3), l."createdAt"
from "WebhookLog" l
left join "WebhookLogArchive" a on a."id" = l."id"
where a."id" is null
