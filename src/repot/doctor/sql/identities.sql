-- Accounts without a way to sign in.
select count(*) as accounts, min(u.id::text) as example
from auth.users u
where not exists (select from auth.identities i where i.user_id = u.id)
  and coalesce((to_jsonb(u) ->> 'is_anonymous')::boolean, false) = false
  and to_jsonb(u) ->> 'deleted_at' is null
