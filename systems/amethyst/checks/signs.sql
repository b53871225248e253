-- Purchases and adverts give credits, generations take them.
select id, user_id, kind, amount
from credit_transactions
where (kind in ('purchase', 'ad_reward', 'bonus') and amount < 0)
   or (kind = 'generation' and amount > 0)
