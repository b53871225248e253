select h.id, h.profile_id as user_id, h.tier, h.status, h.stripe_subscription_id,
       h.started_at at time zone 'UTC' as started_at, h.ended_at at time zone 'UTC' as ended_at,
       coalesce(h.metadata, '{}') as metadata, h.started_at at time zone 'UTC' as created_at
from subscription_history h
join auth.users a on a.id = h.profile_id
