insert into "User" ("id", "email", "password", "firstName", "lastName", "name", "role", "isActive",
                    "emailVerified", "lastLoginAt", "brandId", "ai_credits", "createdAt", "updatedAt")
select
  pg_temp.key('user', i),
  case when pg_temp.r(40, i) < 0.02 then 'Zoé.Müller+' || i || '@exemple.fr'
       else 'client' || i || '@example.org' end,
  case when pg_temp.r(41, i) < 0.7 then '$2b$10$' || md5(i::text) end,
  pg_temp.one_of(array['Zoé', 'Léa', 'Jean', 'Noël', '', null], 42, i),
  pg_temp.one_of(array['Durand', 'Lefèvre', 'D''Arc', 'O’Neil', null], 43, i),
  case when pg_temp.r(44, i) < 0.3 then 'Zoé D.' end,
  case when pg_temp.r(45, i) < 0.9 then 'CONSUMER'
       else pg_temp.one_of(array['BRAND_USER', 'BRAND_ADMIN', 'ARTISAN', 'PLATFORM_ADMIN'], 46, i)
  end::"UserRole",
  pg_temp.r(47, i) < 0.97, pg_temp.r(48, i) < 0.8,
  case when pg_temp.r(49, i) < 0.6 then pg_temp.moment(50, i) end,
  case when pg_temp.r(51, i) < 0.2 then pg_temp.key('brand', 1 + pg_temp.pick(52, i, %(brands)s)) end,
  pg_temp.pick(53, i, 40)::int,
  pg_temp.moment(54, i), pg_temp.moment(54, i) + interval '1 hour'
from generate_series(1, %(users)s::bigint) i
