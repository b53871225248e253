-- Each twentieth product repeats the name and the very moment of the one before it, in its brand: only
-- the key can decide then which of the two takes the plain slug.
insert into "Product" ("id", "name", "description", "sku", "price", "currency", "images", "model3dUrl",
                       "modelConfig", "customizationOptions", "isActive", "isPublic", "createdAt",
                       "updatedAt", "brandId", "baseCostCents", "laborCostCents", "materialOptions",
                       "productionTime", "rulesJson", "baseAssetUrl")
select
  pg_temp.key('product', i),
  pg_temp.product_name(100, p.named),
  case when pg_temp.r(60, i) < 0.7 then 'Fait main, à la commande' end,
  case when pg_temp.r(61, i) < 0.8 then 'SKU-' || i end,
  pg_temp.pick(62, i, 20000) / 100.0,
  pg_temp.one_of(array['EUR', 'EUR', 'eur', 'USD'], 63, i),
  case when pg_temp.r(64, i) < 0.1 then null
       when pg_temp.r(64, i) < 0.2 then '{}'::text[]
       else array['https://cdn.example.org/p/' || i || '.jpg', ''] end,
  case when pg_temp.r(65, i) < 0.4 then 'https://cdn.example.org/m/' || i || '.glb' end,
  case when pg_temp.r(66, i) < 0.4 then pg_temp.options(67, i) end,
  case when pg_temp.r(68, i) < 0.5 then pg_temp.options(69, i) end,
  pg_temp.r(70, i) < 0.85, pg_temp.r(71, i) < 0.8,
  pg_temp.moment(72, p.named), pg_temp.moment(72, p.named) + interval '2 days',
  pg_temp.key('brand', case when p.named <= 24 then 1 else 1 + pg_temp.popular(73, p.named, %(brands)s) end),
  case when pg_temp.r(74, i) < 0.8 then pg_temp.pick(75, i, 4000)::int end,
  case when pg_temp.r(76, i) < 0.5 then pg_temp.pick(77, i, 4000)::int end,
  case when pg_temp.r(78, i) < 0.2 then '["bois", "métal"]'::jsonb end,
  case when pg_temp.r(79, i) < 0.6 then 1 + pg_temp.pick(80, i, 20)::int end,
  case when pg_temp.r(81, i) < 0.05 then 'null'::jsonb end,
  case when pg_temp.r(82, i) < 0.3 then 'https://cdn.example.org/a/' || i end
from generate_series(1, %(products)s::bigint) i
cross join lateral (select i - case when mod(i, 20) = 0 then 1 else 0 end as named) p
