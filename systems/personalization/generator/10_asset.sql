insert into "Asset" ("id", "url", "type", "format", "size", "designId", "createdAt")
select
  pg_temp.key('asset', i), 'https://cdn.example.org/assets/' || i,
  pg_temp.one_of(array['image', 'Image', 'model', 'texture'], 260, i),
  pg_temp.one_of(array['png', 'PNG', 'glb', null], 261, i),
  case when pg_temp.r(262, i) < 0.8 then pg_temp.pick(263, i, 9000000)::int end,
  pg_temp.key('design', 1 + pg_temp.pick(264, i, %(designs)s)), pg_temp.moment(265, i)
from generate_series(1, %(assets)s::bigint) i
