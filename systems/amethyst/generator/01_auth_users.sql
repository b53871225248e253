-- The first ones signed up and never got a profile: no trigger makes one.
insert into auth.users (id, aud, role, email, last_sign_in_at, raw_app_meta_data, raw_user_meta_data,
                        created_at, updated_at, phone)
select
  pg_temp.key('user', i), 'authenticated', 'authenticated',
  case
    when pg_temp.r(10, i) < 0.02 then null
    when pg_temp.r(10, i) < 0.04 then 'Zoé.Müller+' || i || '@exemple.fr'
    else 'artiste' || i || '@example.org'
  end,
  case when pg_temp.r(11, i) < 0.8 then pg_temp.moment(12, i) + interval '20 days' end,
  jsonb_build_object('provider', pg_temp.one_of(array['email', 'google', 'apple', 'github'], 13, i)),
  jsonb_build_object('full_name', pg_temp.one_of(array['Zoé', 'Léa', 'Noël', 'O’Neil'], 14, i)),
  pg_temp.moment(12, i),
  pg_temp.moment(12, i),
  case when pg_temp.r(10, i) < 0.02 then '+336' || lpad(i::text, 8, '0') end
from generate_series(1, %(users)s::bigint) i
