-- V1's table has no key and kept every token: of each person and provider the one that lasts longest
-- counts. All columns order them: rows that are left alike are the same.
select distinct on (o.profile_id, o.provider)
  o.profile_id as user_id, o.provider, o.access_token, o.refresh_token, o.expires_at,
  coalesce(o.scope, '{}') as scope
from oauth_tokens o
join auth.users a on a.id = o.profile_id
order by o.profile_id, o.provider, o.expires_at desc nulls last, o.refresh_token nulls last,
         o.access_token, o.scope
