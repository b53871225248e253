-- Whoever can sign in has a profile, and every profile an account.
select a.id, 'signed up, but no profile' as trouble
from auth.users a
where not exists (select from profiles p where p.id = a.id)
union all
select p.id, 'profile without a sign-up'
from profiles p
where not exists (select from auth.users a where a.id = p.id)
