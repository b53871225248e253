-- Every row that this table had for the address, and the bans that V2 made (the registry knows them, see
-- repot.toml). A ban that is lifted takes all of its rows along.
select b.id, r.typed as email, b.reason, b.banned_at, b.banned_by
from bans b
join banned_address r on r.address = b.email
where r.place = 'banned_emails'
