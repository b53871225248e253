insert into "Design" ("id", "name", "description", "prompt", "promptHash", "options", "status",
                      "previewUrl", "highResUrl", "metadata", "costCents", "provider", "createdAt",
                      "updatedAt", "completedAt", "userId", "brandId", "productId")
select
  pg_temp.key('design', i),
  case when pg_temp.r(90, i) < 0.6 then 'Création n° ' || i end, null,
  pg_temp.one_of(array['un chat à lunettes', 'Prénom « Zoé »', 'montagne au lever du soleil', ''], 91, i),
  case when pg_temp.r(92, i) < 0.7 then md5(pg_temp.pick(93, i, 50)::text) end,
  pg_temp.options(94, i),
  s.status::"DesignStatus",
  case when s.status = 'COMPLETED' then 'https://cdn.example.org/d/' || i || '.png' end,
  case when s.status = 'COMPLETED' and pg_temp.r(98, i) < 0.5 then 'https://cdn.example.org/d/' || i || '@4x.png' end,
  case when pg_temp.r(99, i) < 0.3 then pg_temp.options(111, i) end,
  pg_temp.pick(115, i, 80)::int,
  pg_temp.one_of(array['openai', 'OpenAI', 'replicate', null], 116, i),
  pg_temp.moment(117, i), pg_temp.moment(117, i) + interval '5 minutes',
  case when s.status = 'COMPLETED' then pg_temp.moment(117, i) + interval '3 minutes' end,
  case when pg_temp.r(118, i) < 0.8 then pg_temp.key('user', 1 + pg_temp.pick(119, i, %(users)s)) end,
  (select p."brandId" from "Product" p where p."id" = pg_temp.key('product', 1 + s.product)),
  pg_temp.key('product', 1 + s.product)
from generate_series(1, %(designs)s::bigint) i
cross join lateral (select
  case when pg_temp.r(95, i) < 0.75 then 'COMPLETED'
       else pg_temp.one_of(array['PENDING', 'PROCESSING', 'FAILED'], 96, i) end as status,
  pg_temp.popular(97, i, %(products)s) as product) s
