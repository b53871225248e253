-- One ban for each address, whatever its case and whichever table has it. It began when the first one
-- did; for all else banned_emails takes precedence, then the older row. Who banned and is gone, is
-- nobody.
select
  (array_agg(b.id order by b.place, b.banned_at, b.typed))[1] as id,
  b.address as email,
  (array_agg(b.reason order by b.place, b.banned_at, b.typed)
     filter (where b.reason is not null))[1] as reason,
  min(b.banned_at) as banned_at,
  (array_agg(a.id order by b.place, b.banned_at, b.typed) filter (where a.id is not null))[1]
    as banned_by
from (
  select r.address, r.place, r.typed, e.id, e.reason, e.banned_at, e.banned_by
  from banned_address r
  join banned_emails e on e.email = r.typed
  where r.place = 'banned_emails'
  union all
  select r.address, r.place, r.typed, u.id, u.reason, u.banned_at at time zone 'UTC', u.banned_by
  from banned_address r
  join banned_users u on u.email = r.typed
  where r.place = 'banned_users'
) b
left join auth.users a on a.id = b.banned_by
group by b.address
