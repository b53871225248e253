-- Balances are what the ledger says for some only: three sign-up functions gave 100 or 0 credits and
-- wrote neither down, and some figures are simply off. The last profiles have no account any more.
insert into public.profiles (
  id, email, is_admin, is_banned, created_at, last_sign_in_at, full_name, phone_number, avatar_url,
  auth_provider, provider_id, subscription_tier, subscription_status, subscription_end_date,
  stripe_customer_id, credits_balance, lifetime_credits, last_credit_update, language, theme,
  notifications_enabled, marketing_emails_enabled, ads_enabled, ads_credits_earned,
  ads_watched_today, ads_last_watched, daily_ads_limit, google_id, apple_id, github_id,
  email_verified, phone_verified, needs_attention, updated_at)
select
  pg_temp.key('user', i),
  case when pg_temp.r(40, i) < 0.9 then coalesce(a.email, 'parti' || i || '@example.org') end,
  case when i <= %(bare)s + %(admins)s then true when pg_temp.r(41, i) < 0.05 then null else false end,
  pg_temp.r(42, i) < 0.02,
  coalesce(a.created_at, pg_temp.moment(12, i)) + interval '1 second',
  a.last_sign_in_at,
  case when pg_temp.r(43, i) < 0.9
       then pg_temp.one_of(array['Zoé Durand', 'Noël Lefèvre', 'Øyvind', ' Paul ', 'D''Arc', ''], 44, i)
       end,
  case when pg_temp.r(45, i) < 0.2 then '+336' || lpad(i::text, 8, '0') end,
  case when pg_temp.r(46, i) < 0.3 then 'https://cdn.example.org/a/' || i || '.webp' end,
  pg_temp.one_of(array['email', 'google', 'apple', 'github', null], 13, i),
  case when pg_temp.r(47, i) < 0.5 then 'p-' || i end,
  pg_temp.one_of(array['free', 'free', 'free', 'pro', 'studio', null], 48, i),
  pg_temp.one_of(array['active', 'active', 'canceled', 'past_due', null], 49, i),
  case when pg_temp.r(48, i) >= 0.5 then pg_temp.moment(50, i) at time zone 'UTC' end,
  case when pg_temp.r(51, i) < 0.3 then 'cus_' || md5(i::text) end,
  greatest(0, coalesce(l.total, 0) + case
    when pg_temp.r(52, i) < 0.55 then 0
    when pg_temp.r(52, i) < 0.90 then 100
    else pg_temp.pick(53, i, 41)::int - 20
  end),
  greatest(0, coalesce(l.earned, 0)),
  l.last at time zone 'UTC',
  case
    when pg_temp.r(54, i) < 0.75 then pg_temp.one_of(array['fr', 'fr', 'en', 'es'], 55, i)
    else pg_temp.one_of(array['Français', 'français', 'FR', 'fr-FR', 'English', 'Deutsch', '', null],
                        55, i)
  end,
  pg_temp.one_of(array['light', 'light', 'dark', 'system', null], 56, i),
  pg_temp.r(57, i) < 0.8, case when pg_temp.r(58, i) < 0.9 then pg_temp.r(58, i) < 0.2 end,
  pg_temp.r(59, i) < 0.9, pg_temp.pick(60, i, 40)::int, pg_temp.pick(61, i, 12)::int,
  pg_temp.moment(62, i) at time zone 'UTC',
  (array[10, 10, 10, 5, 5, 50, null])[1 + pg_temp.pick(63, i, 7)],
  case when pg_temp.r(64, i) < 0.2 then 'g-' || i end, case when pg_temp.r(65, i) < 0.1 then 'a-' || i end,
  case when pg_temp.r(66, i) < 0.1 then 'h-' || i end,
  pg_temp.r(67, i) < 0.8, pg_temp.r(68, i) < 0.1,
  case when pg_temp.r(69, i) < 0.9 then pg_temp.r(69, i) < 0.03 end,
  case when pg_temp.r(70, i) < 0.95 then pg_temp.moment(12, i) + pg_temp.r(71, i) * interval '90 days' end
from generate_series(%(bare)s::bigint + 1, %(users)s::bigint + %(gone)s) i
left join auth.users a on a.id = pg_temp.key('user', i)
left join (
  select m.owner, sum(m.amount)::int as total, max(m.at) as last,
         sum(m.amount) filter (where m.amount > 0)::int as earned
  from movements m group by m.owner
) l on l.owner = i
