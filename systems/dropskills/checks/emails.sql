-- An e-mail is the one of the sign-up, or the placeholder where there is none.
select u.id, u.email, a.email as signed_up_with
from users u
join auth.users a on a.id = u.id
where u.email is distinct from coalesce(nullif(a.email, ''), u.id || '@no-email.invalid')
