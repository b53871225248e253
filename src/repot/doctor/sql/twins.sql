-- Accounts of the same e-mail, but for case and blanks.
select count(*) as emails, sum(n) as accounts, (array_agg(ids[1:3]::text order by n desc))[1]::text[] as ids
from (
  select count(*) as n, array_agg(id::text order by id::text) as ids
  from auth.users u
  where coalesce(email, '') <> '' and to_jsonb(u) ->> 'deleted_at' is null
    and coalesce((to_jsonb(u) ->> 'is_sso_user')::boolean, false) = false
  group by lower(trim(email)) having count(*) > 1
) as t
