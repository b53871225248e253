-- No foreign key watches: some lines are of webhooks that are gone, or of none.
insert into "WebhookLog" ("id", "webhookId", "topic", "shopDomain", "payload", "status", "processedAt",
                          "createdAt")
select
  pg_temp.key('log', i),
  case when mod(i, 29) = 0 then pg_temp.key('gone', i)
       when pg_temp.r(300, i) < 0.04 then ''
       else pg_temp.key('webhook', 1 + pg_temp.pick(301, i, %(webhooks)s)) end,
  pg_temp.one_of(array['orders/create', 'orders/paid', 'products/update', 'app/uninstalled'], 302, i),
  'boutique-' || mod(i, 7) || '.myshopify.example',
  pg_temp.options(303, i),
  pg_temp.one_of(array['received', 'processed', 'processed', 'failed', 'FAILED: délai'], 307, i),
  case when pg_temp.r(308, i) < 0.7 then l.at + pg_temp.r(309, i) * interval '90 seconds' end,
  l.at
from generate_series(1, %(logs)s::bigint) i
cross join lateral (select pg_temp.moment(310, i) as at) l
