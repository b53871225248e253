select h.id, h.user_id as profile_id, h.tier, h.status, h.stripe_subscription_id,
       h.started_at at time zone 'UTC' as started_at, h.ended_at at time zone 'UTC' as ended_at,
       h.metadata
from subscription_history h
