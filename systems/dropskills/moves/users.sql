-- Everyone who signed up, with or without a profile: nobody is lost.
-- SUPPORT and PREMIUM have no place in V2 and give no right there: they become USER.
-- A status that V2 does not know keeps its owner out.
select
  a.id,
  coalesce(nullif(a.email::text, ''), a.id::text || '@no-email.invalid') as email,
  p.first_name,
  p.last_name,
  p.avatar_url,
  case when p.role in ('ADMIN', 'SUPER_ADMIN') then p.role else 'USER' end as role,
  case
    when p.status is null or upper(p.status) = 'ACTIVE' then 'ACTIVE'
    when upper(p.status) = 'INACTIVE' then 'INACTIVE'
    else 'SUSPENDED'
  end as status,
  a.last_sign_in_at as last_login_at,
  coalesce(p.created_at, a.created_at, timestamptz '1970-01-01 00:00:00+00') as created_at,
  coalesce(p.updated_at, a.created_at, timestamptz '1970-01-01 00:00:00+00') as updated_at
from auth.users a
left join profiles p on p.id = a.id
