-- The plan is free text: several spellings, and words that no plan has.
insert into "Brand" ("id", "name", "slug", "description", "logo", "website", "status", "companyName",
                     "vatNumber", "city", "country", "phone", "stripeCustomerId", "plan",
                     "planExpiresAt", "settings", "webhookUrl", "webhookSecret", "createdAt",
                     "updatedAt", "limits", "stripeSubscriptionId", "aiCostLimitCents",
                     "aiCostResetAt", "aiCostUsedCents")
select
  pg_temp.key('brand', i),
  pg_temp.one_of(array['Maison Été', 'L’Atelier', 'Café & Cie', 'Ørsted', 'Bijoux Zoé'], 10, i) || ' ' || i,
  'brand-' || i,
  case when pg_temp.r(11, i) < 0.6 then 'Des cadeaux personnalisés' end,
  case when pg_temp.r(12, i) < 0.5 then 'https://cdn.example.org/logos/' || i || '.svg' end,
  case when pg_temp.r(13, i) < 0.8 then 'https://brand-' || i || '.example.org' end,
  case when i <= 2 or pg_temp.r(14, i) < 0.7 then 'ACTIVE'
       else pg_temp.one_of(array['PENDING_VERIFICATION', 'SUSPENDED', 'CLOSED'], 15, i)
  end::"BrandStatus",
  case when pg_temp.r(16, i) < 0.5 then 'SARL ' || i end,
  case when pg_temp.r(17, i) < 0.4 then 'FR' || lpad(i::text, 11, '0') end,
  pg_temp.one_of(array['Lyon', 'Saint-Étienne', '', null], 18, i),
  pg_temp.one_of(array['FR', 'France', 'BE', null], 19, i),
  null,
  case when pg_temp.r(20, i) < 0.7 then 'cus_' || i end,
  (array['starter', 'gold', 'Starter', 'free', 'STARTER ', 'pro', 'Professional', 'professional',
         'enterprise', 'Entreprise', ''])[1 + mod(i, 11)],
  case when pg_temp.r(22, i) < 0.3 then pg_temp.moment(23, i) end,
  case when pg_temp.r(24, i) < 0.6 then pg_temp.options(25, i) end,
  case when pg_temp.r(26, i) < 0.7 then 'https://brand-' || i || '.example.org/hooks/0' end,
  case when pg_temp.r(27, i) < 0.8 then 'whsec_' || md5(i::text) end,
  pg_temp.moment(28, i), pg_temp.moment(28, i) + interval '3 days',
  case when pg_temp.r(29, i) < 0.2 then '{"designs": 1e2}'::jsonb end,
  case when pg_temp.r(30, i) < 0.5 then 'sub_' || i end,
  50000, null, pg_temp.pick(31, i, 60000)::int
from generate_series(1, %(brands)s::bigint) i
