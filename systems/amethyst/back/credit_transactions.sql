-- Movements of V1's credit_transactions, and those that V2 made: V1 has no column for what only V2
-- knows of them, so it goes into metadata, under 'v2', where the moves find it again. V1 has fewer
-- types: what it cannot name is a refund. A row that explains a balance (adjustment) is V1's as soon
-- as V2 has moved that person's credits: from then on the sum depends on it.
select
  t.id, t.user_id as profile_id, t.amount,
  case when t.kind in ('purchase', 'ad_reward', 'generation') then t.kind else 'refund' end as type,
  t.description,
  case
    when t.source in ('v1:credit_transactions', 'v1:both') then t.metadata
    else case when jsonb_typeof(t.metadata) = 'object' then t.metadata else '{}' end
         || jsonb_build_object('v2', jsonb_build_object(
              'kind', t.kind, 'source', t.source, 'idempotency_key', t.idempotency_key,
              'metadata', t.metadata))
  end as metadata,
  t.created_at
from credit_transactions t
where t.source is distinct from 'v1:credits_transactions'
  and (t.source is distinct from 'v1:adjustment'
       or exists (select from credit_transactions n
                  where n.user_id = t.user_id and coalesce(n.source, '') not like 'v1:%'))
