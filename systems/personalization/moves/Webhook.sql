-- One subscription for each address of a brand; the first row of it (by date, then key) gives its key.
-- With the brand's secret where it is the brand's own address, asking for those of its events that V2
-- knows.
select
  (array_agg(w."id" order by w."createdAt", w."id" collate "C"))[1] as "id",
  w."url",
  min(w."createdAt")::timestamp(3) as "createdAt",
  w."brandId",
  coalesce(substring(w."url" from '://([^/:?#]+)'), w."url") as "name",
  (select b."webhookSecret" from "Brand" b where b."id" = w."brandId" and b."webhookUrl" = w."url")
    as "secret",
  coalesce(
    array_agg(distinct e.known order by e.known) filter (where e.known is not null), '{}')
    as "events",
  count(*) filter (
    where not w."success"
      and (w."statusCode" is not null or w."error" is not null or w."timestamp" is not null
           or w."idempotencyKey" is not null or w."payload" <> '{}'))::integer as "failureCount",
  max(w."timestamp")::timestamp(3) as "lastCalledAt",
  (array_agg(w."statusCode" order by w."timestamp" desc, w."id" collate "C" desc)
     filter (where w."timestamp" is not null and w."statusCode" is not null))[1] as "lastStatusCode",
  max(coalesce(w."timestamp", w."createdAt"))::timestamp(3) as "updatedAt"
from "Webhook" w
cross join lateral (
  select case upper(replace(w."event", '.', '_'))
    when 'GENERATION_STARTED' then 'GENERATION_STARTED'
    when 'GENERATION_COMPLETED' then 'GENERATION_COMPLETED'
    when 'GENERATION_FAILED' then 'GENERATION_FAILED'
    when 'AR_VIEW' then 'AR_VIEW'
  end::personalization_v2."WebhookEvent" as known) e
group by w."brandId", w."url"
