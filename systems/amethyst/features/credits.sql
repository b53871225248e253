-- Credits given: ledger and balance move together, once for each event, and never below zero.
select set_config('check.user', gen_random_uuid()::text, true),
       set_config('check.event', 'check:' || gen_random_uuid(), true);
insert into auth.users (id, email)
values (current_setting('check.user')::uuid, current_setting('check.user') || '@check.invalid');

-- The service gives credits for a purchase, and Stripe sends the event twice.
select set_config('request.jwt.claims', '{"role": "service_role"}', true);
set local role service_role;

-- expect: the first adds, the second says that it was there
select a.*, 'first' as event
from add_credits(current_setting('check.user')::uuid, 100, 'stripe', 'a pack of credits',
                 current_setting('check.event')) a
where (a.balance, a.repeated) is distinct from (100, false);

-- expect: 100 still
select a.*, 'again' as event
from add_credits(current_setting('check.user')::uuid, 100, 'stripe', 'a pack of credits',
                 current_setting('check.event')) a
where (a.balance, a.repeated) is distinct from (100, true);

-- expect error: unique_violation: the same event with another amount
select add_credits(current_setting('check.user')::uuid, 200, 'stripe', 'a pack of credits',
                   current_setting('check.event'));

-- expect error: check_violation: never below zero
select add_credits(current_setting('check.user')::uuid, -101, 'adjustment', 'too much');

-- expect error: insufficient_privilege: the balance is nobody's to write
update profiles set credits_balance = 1000 where id = current_setting('check.user')::uuid;

-- The user spends some of it.
reset role;
select set_config('request.jwt.claims',
  json_build_object('sub', current_setting('check.user'), 'role', 'authenticated')::text, true);
set local role authenticated;

-- expect: 70 are left
select s.* from spend_credits(30, 'an image', 'check') s where s.balance is distinct from 70;

-- expect error: check_violation: not more than there is
select spend_credits(71, 'an image');

-- expect error: insufficient_privilege: nobody gives credits to themselves
select add_credits(current_setting('check.user')::uuid, 100, 'bonus', 'mine');

-- expect error: insufficient_privilege: nor writes into the ledger
insert into credit_transactions (user_id, amount, kind)
values (current_setting('check.user')::uuid, 100, 'bonus');

reset role;
-- expect: the balance is the ledger's sum
select p.id, p.credits_balance, sum(t.amount) as ledger, count(*) as movements
from profiles p join credit_transactions t on t.user_id = p.id
where p.id = current_setting('check.user')::uuid
group by p.id
having (p.credits_balance, sum(t.amount), count(*)) is distinct from (70, 70::bigint, 2::bigint);
