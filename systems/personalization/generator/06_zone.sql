insert into "Zone" ("id", "productId", "name", "description", "type", "positionX", "positionY",
                    "positionZ", "rotationZ", "scaleX", "maxChars", "allowedFonts", "allowedColors",
                    "isRequired", "order", "createdAt", "updatedAt")
select
  pg_temp.key('zone', i), pg_temp.key('product', 1 + pg_temp.pick(150, i, %(products)s)),
  pg_temp.one_of(array['Face avant', 'Dos', 'Poignée', 'Zone « texte »'], 151, i), null,
  pg_temp.one_of(array['TEXT', 'IMAGE', 'PATTERN', 'COLOR'], 152, i)::"ZoneType",
  pg_temp.r(153, i), pg_temp.r(154, i), case when pg_temp.r(155, i) < 0.05 then '-0'::float8 else 0 end,
  pg_temp.r(156, i) * 360, 1,
  case when pg_temp.r(157, i) < 0.5 then 20 end,
  case when pg_temp.r(158, i) < 0.3 then null else array['Inter', 'Playfair « Display »'] end,
  '{}', pg_temp.r(159, i) < 0.3, pg_temp.pick(160, i, 5)::int,
  pg_temp.moment(161, i), pg_temp.moment(161, i)
from generate_series(1, %(zones)s::bigint) i
