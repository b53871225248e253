-- Advert watched: 30 s earn 2 credits, 15 s earn 1, and the daily limit holds.
select set_config('check.user', gen_random_uuid()::text, true);
insert into auth.users (id, email)
values (current_setting('check.user')::uuid, current_setting('check.user') || '@check.invalid');
select set_config('request.jwt.claims',
  json_build_object('sub', current_setting('check.user'), 'role', 'authenticated')::text, true);
set local role authenticated;

-- expect: what each duration earns
select given.*, v.credits_earned, v.reason
from (values (1, 'full', 30, true, 2, 'rewarded'), (2, 'stopped', 40, false, 1, 'rewarded'),
             (3, 'half', 15, false, 1, 'rewarded'), (4, 'glance', 14, true, 0, 'too-short'),
             (5, 'unknown', null, true, 0, 'too-short'))
     as given (n, view_id, seconds, completed, credits, why)
cross join lateral handle_ad_view('check', given.seconds, given.completed, given.view_id) v
where (v.credits_earned, v.reason) is distinct from (given.credits, given.why)
order by given.n;

-- expect: a view that is sent again counts once
select v.* from handle_ad_view('check', 30, true, 'full') v
where (v.repeated, v.credits_earned, v.rewarded_today, v.balance) is distinct from (true, 2, 3, 4);

select handle_ad_view('check', 30, true, 'more ' || n) from generate_series(4, 10) n;

-- expect: the eleventh earns nothing, and says why
select v.* from handle_ad_view('check', 30, true, 'eleventh') v
where (v.credits_earned, v.reason, v.rewarded_today, v.balance)
      is distinct from (0, 'daily-limit', 10, 18);

-- expect: nothing left today
select t.* from adverts_today() t where (t.rewarded_today, t.daily_limit) is distinct from (10, 10);

-- expect error: insufficient_privilege: nobody writes down what a view earned
insert into ad_views (user_id, ad_id, credits_earned)
values (current_setting('check.user')::uuid, 'check', 100);

-- expect error: insufficient_privilege: nor takes a view away
delete from ad_views where user_id = current_setting('check.user')::uuid;

reset role;
-- expect: each rewarded view is in the ledger, and the balance is its sum
select p.credits_balance, v.earned, t.paid, t.movements
from profiles p,
     lateral (select sum(credits_earned) as earned from ad_views where user_id = p.id) v,
     lateral (select sum(amount) as paid, count(*) as movements from credit_transactions
              where user_id = p.id and kind = 'ad_reward') t
where p.id = current_setting('check.user')::uuid
  and (p.credits_balance, v.earned, t.paid, t.movements)
      is distinct from (18, 18::bigint, 18::bigint, 10::bigint);
