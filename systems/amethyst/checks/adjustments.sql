-- What explains a balance says so, and is nothing else.
select id, user_id, kind, amount, idempotency_key
from credit_transactions
where source = 'v1:adjustment' and (kind <> 'adjustment' or idempotency_key is not null)
