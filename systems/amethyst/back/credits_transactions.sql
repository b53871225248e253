-- Movements that only this ledger had. Those that both had are in credit_transactions; their twins here
-- stay as they are, and go with their profile.
select
  t.id, t.user_id as profile_id, t.amount,
  case t.kind when 'ad_reward' then 'reward' when 'generation' then 'usage' else t.kind end as type,
  t.description, t.created_at at time zone 'UTC' as created_at, t.metadata
from credit_transactions t
where t.source = 'v1:credits_transactions'
