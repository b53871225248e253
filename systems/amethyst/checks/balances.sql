-- Every balance is the sum of the ledger, wherever its rows are.
select p.id, p.credits_balance, coalesce(l.total, 0) as ledger
from profiles p
left join (
  select t.user_id, sum(t.amount) as total
  from (select user_id, amount from credit_transactions
        union all
        select user_id, amount from credit_transactions_archive) t
  group by t.user_id
) l on l.user_id = p.id
where p.credits_balance <> coalesce(l.total, 0)
