-- Addresses as they were typed: some twice, in other letters. Whoever banned them may be gone.
insert into public.banned_emails (id, email, reason, banned_at, banned_by)
select
  pg_temp.key('ban', i),
  case when pg_temp.r(120, i) < 0.3 then initcap('spam' || i || '@example.net')
       else 'spam' || i || '@example.net' end,
  case when pg_temp.r(121, i) < 0.8 then pg_temp.one_of(array['spam', 'fraude', 'chargeback'], 122, i) end,
  pg_temp.moment(123, i),
  case
    when pg_temp.r(124, i) < 0.6 then pg_temp.key('user', 1 + %(bare)s + pg_temp.pick(125, i, %(admins)s))
    when pg_temp.r(124, i) < 0.9 then pg_temp.key('admin who left', i)
  end
from generate_series(1, %(bans)s::bigint) i
union all
select pg_temp.key('ban again', i), upper('spam' || i || '@example.net'), 'encore', pg_temp.moment(126, i), null
from generate_series(1, %(bans)s::bigint) i
where mod(i, 9) = 0
