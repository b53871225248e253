insert into public.product_requests (id, user_id, title, description, status, votes, created_at,
                                     updated_at, source)
select
  pg_temp.key('request', i),
  case when pg_temp.r(340, i) < 0.8
       then pg_temp.key('user', 1 + %(bare)s + pg_temp.pick(341, i, %(users)s::bigint - %(bare)s)) end,
  pg_temp.title(400, i),
  case when pg_temp.r(342, i) < 0.6 then pg_temp.prose(343, i) end,
  pg_temp.one_of(array['IDEA', 'IDEA', 'PLANNED', 'IN_PROGRESS', 'done', 'REJECTED'], 346, i),
  pg_temp.popular(347, i, 200)::int,
  case when pg_temp.r(348, i) >= 0.01 then pg_temp.moment(349, i) end,
  case when pg_temp.r(350, i) >= 0.03 then pg_temp.moment(349, i) + interval '2 days' end,
  pg_temp.one_of(array['AI', 'AI', 'USER', 'n8n'], 351, i)
from generate_series(1, %(requests)s::bigint) i
