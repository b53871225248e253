-- Whoever can sign in is a user, and every user can sign in. (The first migration left users empty.)
select a.id, 'signed up, but no user' as trouble
from auth.users a
where not exists (select from users u where u.id = a.id)
union all
select u.id, 'user without a sign-up'
from users u
where not exists (select from auth.users a where a.id = u.id)
