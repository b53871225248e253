-- Transactions checked: the ledger is complete, only added to, and seen by its owner alone.

-- expect: for every profile the balance is the ledger's sum
select p.id, p.credits_balance, coalesce(l.total, 0) as ledger
from profiles p
left join (select t.user_id, sum(t.amount) as total
           from (select user_id, amount from credit_transactions
                 union all
                 select user_id, amount from credit_transactions_archive) t
           group by t.user_id) l on l.user_id = p.id
where p.credits_balance <> coalesce(l.total, 0)
limit 20;

-- expect: no movement is in the ledger and in its archive
select id from credit_transactions join credit_transactions_archive using (id) limit 20;

select set_config('check.user', gen_random_uuid()::text, true),
       set_config('check.other', gen_random_uuid()::text, true);
insert into auth.users (id, email)
values (current_setting('check.user')::uuid, current_setting('check.user') || '@check.invalid'),
       (current_setting('check.other')::uuid, current_setting('check.other') || '@check.invalid');
select add_credits(current_setting('check.user')::uuid, 50, 'bonus', 'welcome');
select add_credits(current_setting('check.other')::uuid, 7, 'bonus', 'welcome');

-- expect error: insufficient_privilege: a movement is never changed
update credit_transactions set amount = 51 where user_id = current_setting('check.user')::uuid;

-- expect error: insufficient_privilege: nor emptied away
truncate credit_transactions;

-- expect error: insufficient_privilege: nor deleted, at the latest at the end of the transaction
do $$ begin
  delete from credit_transactions where user_id = current_setting('check.user')::uuid;
  set constraints all immediate;
end $$;

-- expect error: insufficient_privilege: and the balance is not set beside it
update profiles set credits_balance = 51 where id = current_setting('check.user')::uuid;

select set_config('request.jwt.claims',
  json_build_object('sub', current_setting('check.user'), 'role', 'authenticated')::text, true);
set local role authenticated;

-- expect: one's own movements, and no others
select count(*), sum(amount) from credit_transactions
having (count(*), sum(amount)) is distinct from (1::bigint, 50::bigint);

reset role;
select set_config('request.jwt.claims', '{"role": "anon"}', true);
set local role anon;

-- expect error: insufficient_privilege: anon sees none at all
select count(*) from credit_transactions;
reset role;

delete from auth.users where id = current_setting('check.user')::uuid;
-- expect: an account that goes takes its own ledger along, and no more
select count(*), sum(amount) from credit_transactions
where user_id in (current_setting('check.user')::uuid, current_setting('check.other')::uuid)
having (count(*), sum(amount)) is distinct from (1::bigint, 7::bigint);
