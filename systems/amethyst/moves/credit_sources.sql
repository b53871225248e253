select s.id, s.profile_id as user_id, s.type as kind, s.amount, s.created_at, s.expires_at,
       coalesce(s.metadata, '{}') as metadata
from credit_sources s
join auth.users a on a.id = s.profile_id
