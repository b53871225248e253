-- target_id often names what is gone; ids have gaps, as after transactions that were rolled back.
insert into public.admin_logs (id, admin_id, action, target_table, target_id, details, created_at)
select
  i * 3 - pg_temp.pick(370, i, 3),
  case when pg_temp.r(371, i) < 0.93
       then pg_temp.key('user', 1 + %(bare)s + pg_temp.pick(372, i, %(admins)s)) end,
  pg_temp.one_of(array['UPDATE_PRODUCT', 'DELETE_PRODUCT', 'BAN_USER', 'login', 'Refund', 'EXPORT'],
                 373, i),
  case when pg_temp.r(374, i) < 0.9
       then pg_temp.one_of(array['products', 'profiles', 'packs', '"_UserPacks"'], 375, i) end,
  case
    when pg_temp.r(376, i) < 0.6 then pg_temp.key('product', 1 + pg_temp.pick(377, i, %(products)s))
    when pg_temp.r(376, i) < 0.85 then pg_temp.key('gone', i)
  end,
  case
    when pg_temp.r(378, i) < 0.5
      then jsonb_build_object('price', jsonb_build_array(pg_temp.pick(379, i, 9900) / 100.0, 19.90),
                              'raison', pg_temp.one_of(array['promo d''été', 'erreur', '« test »'], 380, i))
    when pg_temp.r(378, i) < 0.52 then 'null'::jsonb
    when pg_temp.r(378, i) < 0.54 then '[]'::jsonb
  end,
  case when pg_temp.r(381, i) >= 0.005
       then timestamptz '2023-03-01 09:00:00+00' + i * (interval '81000000 seconds' / %(logs)s) end
from generate_series(1, %(logs)s::bigint) i
