insert into "ProductMapping" ("id", "shopDomain", "shopifyProductId", "syncStatus", "lastSyncAt",
                              "productId", "brandId", "createdAt", "updatedAt")
select
  pg_temp.key('mapping', i), 'boutique-' || mod(i, 7) || '.myshopify.example', (1000000 + i)::text,
  pg_temp.one_of(array['pending', 'synced', 'SYNCED', 'error'], 270, i),
  case when pg_temp.r(271, i) < 0.7 then pg_temp.moment(272, i) end,
  p."id", p."brandId", pg_temp.moment(273, i), pg_temp.moment(273, i)
from generate_series(1, %(mappings)s::bigint) i
join "Product" p on p."id" = pg_temp.key('product', 1 + pg_temp.pick(274, i, %(products)s))
