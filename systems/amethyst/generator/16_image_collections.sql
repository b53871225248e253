insert into public.image_collections (id, user_id, name, description, is_public, created_at, updated_at)
select
  pg_temp.key('collection', i),
  case when pg_temp.r(220, i) < 0.03 then pg_temp.key('gone user', i)
       else pg_temp.key('user', 1 + pg_temp.pick(221, i, %(users)s)) end,
  pg_temp.one_of(array['Mes images', 'Été', 'Renards 🦊', ''], 222, i),
  case when pg_temp.r(223, i) < 0.3 then 'à trier' end, pg_temp.r(224, i) < 0.1, pg_temp.moment(225, i),
  case when pg_temp.r(226, i) < 0.5 then pg_temp.moment(225, i) + interval '2 days' end
from generate_series(1, %(collections)s::bigint) i
