-- Without foreign keys either. Who has no profile could vote all the same.
insert into public.product_request_votes (request_id, user_id, created_at)
select
  case when pg_temp.r(360, v.request * 1000003 + v.voter) < 0.005
       then pg_temp.key('gone', v.request) else pg_temp.key('request', 1 + v.request) end,
  case when pg_temp.r(361, v.request * 1000003 + v.voter) < 0.005
       then pg_temp.key('gone user', v.voter) else pg_temp.key('user', 1 + v.voter) end,
  case when pg_temp.r(362, v.request * 1000003 + v.voter) >= 0.01
       then pg_temp.moment(363, v.request * 1000003 + v.voter) end
from (
  select distinct pg_temp.popular(364, i, %(requests)s) as request,
                  pg_temp.pick(365, i, %(users)s) as voter
  from generate_series(1, %(votes)s::bigint) i
) v
order by v.request, v.voter
