-- Accounts that cannot sign in. Versions of auth.users differ: a column that is not there is null here.
with u as (select id, to_jsonb(u) as j from auth.users u)
select
  count(*) filter (where confirmed is null and not anonymous and not sso) as unconfirmed,
  min(id::text) filter (where confirmed is null and not anonymous and not sso) as unconfirmed_example,
  count(*) filter (where banned_until > now()) as banned,
  min(id::text) filter (where banned_until > now()) as banned_example,
  count(*) filter (where email is null and phone is null and not anonymous and not sso) as nameless,
  min(id::text) filter (where email is null and phone is null and not anonymous and not sso)
    as nameless_example
from (
  select id,
    coalesce(j ->> 'email_confirmed_at', j ->> 'phone_confirmed_at', j ->> 'confirmed_at',
      case when not j ? 'email_confirmed_at' then '' end) as confirmed,
    coalesce((j ->> 'is_anonymous')::boolean, false) as anonymous,
    coalesce((j ->> 'is_sso_user')::boolean, false) as sso,
    (j ->> 'banned_until')::timestamptz as banned_until,
    nullif(j ->> 'email', '') as email, nullif(j ->> 'phone', '') as phone
  from u where j ->> 'deleted_at' is null
) as a
