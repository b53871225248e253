select b.id, r.typed as email, b.reason, b.banned_at at time zone 'UTC' as banned_at, b.banned_by
from bans b
join banned_address r on r.address = b.email
where r.place = 'banned_users'
