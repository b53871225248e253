-- The oldest sign-ups have no profile (the trigger came later), some have no e-mail (telephone).
insert into auth.users (id, aud, role, email, last_sign_in_at, raw_user_meta_data, created_at,
                        updated_at, phone)
select
  pg_temp.key('user', i), 'authenticated', 'authenticated',
  case
    when pg_temp.r(10, i) < 0.015 then null
    when pg_temp.r(10, i) < 0.03 then 'Zoé.Müller+' || i || '@exemple.fr'
    when pg_temp.r(10, i) < 0.05 then upper('eleve' || (i - 1) || '@example.org')
    else 'eleve' || i || '@example.org'
  end,
  case when pg_temp.r(11, i) < 0.8 then pg_temp.moment(12, i) + interval '200 days' end,
  case when pg_temp.r(13, i) < 0.9
       then jsonb_build_object('first_name', pg_temp.one_of(array['Zoé', 'Léa', 'Jean', 'Noël'], 14, i))
       end,
  case when pg_temp.r(15, i) >= 0.002 then pg_temp.moment(12, i) end,
  pg_temp.moment(12, i),
  case when pg_temp.r(10, i) < 0.015 then '+336' || lpad(i::text, 8, '0') end
from generate_series(1, %(users)s::bigint) i
