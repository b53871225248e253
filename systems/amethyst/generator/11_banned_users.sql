insert into public.banned_users (id, email, reason, banned_at, banned_by, created_at)
select
  pg_temp.key('banned user', i),
  case when pg_temp.r(130, i) < 0.2 then upper('spam' || i || '@example.net')
       else 'spam' || i || '@example.net' end,
  case when pg_temp.r(131, i) < 0.8 then pg_temp.one_of(array['spam', 'abus', 'fraude'], 132, i) end,
  (pg_temp.moment(123, i) + interval '3 minutes') at time zone 'UTC',
  case
    when pg_temp.r(133, i) < 0.6 then pg_temp.key('user', 1 + %(bare)s + pg_temp.pick(134, i, %(admins)s))
    when pg_temp.r(133, i) < 0.9 then pg_temp.key('admin who left', i)
  end,
  (pg_temp.moment(123, i) + interval '3 minutes') at time zone 'UTC'
from generate_series(%(bans)s::bigint / 2, %(bans)s::bigint * 3 / 2) i
