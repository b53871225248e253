-- New user: who signs up has a profile, and what goes wrong there stops the sign-up.
select set_config('check.user', gen_random_uuid()::text, true),
       set_config('check.email', 'new-' || gen_random_uuid() || '@check.invalid', true);
insert into auth.users (id, email, raw_user_meta_data, raw_app_meta_data, email_confirmed_at)
values (current_setting('check.user')::uuid, current_setting('check.email'),
        '{"full_name": "Zoé Check", "language": "Français"}', '{"provider": "email"}', now());

-- expect: one profile, with V2's own defaults
select 'the profile is missing or wrong' as trouble, to_jsonb(p) as profile
from (select current_setting('check.user')::uuid as id) s
left join profiles p on p.id = s.id
where (p.email, p.full_name, p.role, p.language, p.credits_balance, p.daily_ads_limit,
       p.auth_provider, p.email_verified)
      is distinct from (current_setting('check.email'), 'Zoé Check', 'user', 'fr', 0, 10,
                        'email', true);

-- The copy of the address follows the account.
update auth.users set email = 'moved-' || email where id = current_setting('check.user')::uuid;

-- expect: the new address in the profile
select id, email from profiles
where id = current_setting('check.user')::uuid
  and email is distinct from 'moved-' || current_setting('check.email');

insert into bans (email, reason) values ('banned-' || current_setting('check.email'), 'a check');

-- expect error: insufficient_privilege: who is banned does not sign up again
insert into auth.users (id, email)
values (gen_random_uuid(), 'Banned-' || current_setting('check.email'));

-- expect: no account without a profile was left behind
select id, email from auth.users where email = 'Banned-' || current_setting('check.email');

select set_config('request.jwt.claims',
  json_build_object('sub', current_setting('check.user'), 'role', 'authenticated')::text, true);
set local role authenticated;

-- expect: a new user sees the own profile, no other, and is no administrator
select 'sees others, or not oneself' as trouble, count(*) from profiles
having count(*) <> 1 or bool_or(id <> current_setting('check.user')::uuid)
union all
select 'is an administrator', 0 where is_admin();

-- expect error: insufficient_privilege: nobody takes a role
update profiles set role = 'admin' where id = current_setting('check.user')::uuid;

-- expect error: insufficient_privilege
select set_role(current_setting('check.user')::uuid, 'admin');
