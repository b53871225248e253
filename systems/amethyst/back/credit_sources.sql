select s.id, s.user_id as profile_id, s.kind as type, s.amount, s.created_at, s.expires_at, s.metadata
from credit_sources s
