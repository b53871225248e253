insert into public.prompts (id, user_id, text, negative_text, tags, weights, is_favorite, use_count,
                            created_at)
select
  pg_temp.key('prompt', i),
  case when pg_temp.r(240, i) < 0.02 then pg_temp.key('gone user', i)
       else pg_temp.key('user', 1 + pg_temp.pick(241, i, %(users)s)) end,
  pg_temp.one_of(array['améthyste', 'a fox', 'L''été', '日本'], 242, i) || ' ' || i,
  case when pg_temp.r(243, i) < 0.3 then 'flou' end,
  case when pg_temp.r(244, i) < 0.9 then array['été', null, 'a"b'] end,
  case when pg_temp.r(245, i) < 0.9 then array[1.0, pg_temp.r(246, i), '-0', 'NaN']::float8[] end,
  pg_temp.r(247, i) < 0.2, case when pg_temp.r(248, i) < 0.9 then pg_temp.pick(249, i, 50)::int end,
  pg_temp.moment(250, i)
from generate_series(1, %(prompts)s::bigint) i
