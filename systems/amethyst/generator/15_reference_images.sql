insert into public.reference_images (id, user_id, image_id, name, purpose, strength, created_at)
select
  pg_temp.key('reference', i),
  case
    when pg_temp.r(210, i) < 0.02 then null
    when pg_temp.r(210, i) < 0.05 then pg_temp.key('gone user', i)
    else pg_temp.key('user', 1 + pg_temp.pick(211, i, %(users)s))
  end,
  pg_temp.key('image', 1 + pg_temp.pick(212, i, %(images)s)),
  'référence ' || i, pg_temp.one_of(array['style', 'pose', null], 213, i),
  case when pg_temp.r(214, i) < 0.9 then pg_temp.r(215, i) end, pg_temp.moment(216, i)
from generate_series(1, %(references)s::bigint) i
