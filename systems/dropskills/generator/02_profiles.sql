insert into public.profiles (id, role, first_name, last_name, avatar_url, status, created_at,
                             updated_at)
select
  pg_temp.key('user', i),
  case
    when i = %(bare)s + 1 then 'SUPER_ADMIN'
    when i <= %(bare)s + %(admins)s then 'ADMIN'
    when pg_temp.r(20, i) < 0.03 then 'PREMIUM'
    when pg_temp.r(20, i) < 0.04 then 'SUPPORT'
    else 'USER'
  end,
  case when pg_temp.r(21, i) < 0.9
       then pg_temp.one_of(array['Zoé', 'Léa', 'Jean', 'Noël', 'François', 'Anaïs', 'Chloé', 'Øyvind',
                                 'Mehdi', 'Inès', ' Paul ', ''], 22, i) end,
  case when pg_temp.r(21, i) < 0.85
       then pg_temp.one_of(array['Durand', 'Lefèvre', 'D''Arc', 'Martin', 'O’Neil', 'Müller', 'Ngô'],
                           23, i) end,
  case when pg_temp.r(24, i) < 0.3 then 'https://cdn.example.org/avatars/' || i || '.png' end,
  case
    when i <= %(bare)s + %(admins)s or pg_temp.r(25, i) < 0.95 then 'ACTIVE'
    else pg_temp.one_of(array['SUSPENDED', 'active', 'INACTIVE', 'banned', 'Inactive'], 26, i)
  end,
  pg_temp.moment(12, i),
  pg_temp.moment(12, i) + pg_temp.r(27, i) * interval '90 days'
from generate_series(%(bare)s::bigint + 1, %(users)s::bigint) i
