-- Who banned somebody is an account or nobody.
select b.id, b.email, b.banned_by
from bans b
where b.banned_by is not null and not exists (select from auth.users a where a.id = b.banned_by)
