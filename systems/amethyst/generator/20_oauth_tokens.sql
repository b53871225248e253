-- No key: each new token was a new row, and some requests came twice.
insert into public.oauth_tokens (profile_id, provider, access_token, refresh_token, expires_at, scope)
select
  case when pg_temp.r(270, i) >= 0.01
       then pg_temp.key('user', 1 + %(bare)s
                        + pg_temp.popular(271, i, %(users)s + %(gone)s - %(bare)s)) end,
  pg_temp.one_of(array['google', 'apple', 'github'], 272, i),
  'at-' || md5('access ' || i), case when pg_temp.r(273, i) < 0.7 then 'rt-' || md5('refresh ' || i) end,
  case when pg_temp.r(274, i) < 0.9 then pg_temp.moment(275, i) end,
  case when pg_temp.r(276, i) < 0.8 then array['email', 'profile'] end
from generate_series(1, %(tokens)s::bigint) i
cross join lateral generate_series(1, case when pg_temp.r(277, i) < 0.05 then 2 else 1 end) again
