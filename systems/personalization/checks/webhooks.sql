-- A subscription of V1 has what it is made of: calls or topics; and its failures are those of its calls.
select s."id", s."failureCount", count(d."id") filter (where not d."success") as failures
from "Webhook" s
left join "WebhookDelivery" d on d."webhookId" = s."id"
group by s."id", s."failureCount"
having s."failureCount" <> count(d."id") filter (where not d."success")
union all
select s."id", 0, 0
from "Webhook" s
where not exists (select from "WebhookDelivery" d where d."webhookId" = s."id")
  and not exists (select from "WebhookTopic" t where t."webhookId" = s."id")
