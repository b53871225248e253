-- Everyone who signed up, with or without a profile: nobody is lost. Profiles without an account are
-- left behind (leave.toml): nobody could sign in to them.
-- balances = "keep": the balance that V1 showed.
select
  a.id,
  coalesce(p.email, a.email::text) as email,
  p.full_name,
  coalesce(p.phone_number, a.phone) as phone_number,
  p.avatar_url,
  case when p.is_admin then 'admin' else 'user' end as role,
  p.auth_provider,
  p.provider_id,
  p.google_id,
  p.apple_id,
  p.github_id,
  coalesce(p.email_verified, false) as email_verified,
  coalesce(p.phone_verified, false) as phone_verified,
  case
    when p.language ~* '^(fr|en|es|de|it|pt)([-_].*)?$' then lower(left(p.language, 2))
    when p.language ~* '^(english|anglais)$' then 'en'
    when p.language ~* '^(español|espagnol|spanish)$' then 'es'
    when p.language ~* '^(deutsch|allemand|german)$' then 'de'
    else 'fr'
  end as language,
  coalesce(p.theme, 'light') as theme,
  coalesce(p.notifications_enabled, true) as notifications_enabled,
  coalesce(p.marketing_emails_enabled, false) as marketing_emails_enabled,
  coalesce(p.ads_enabled, true) as ads_enabled,
  least(greatest(coalesce(p.daily_ads_limit, 10), 0), 10) as daily_ads_limit,
  coalesce(p.subscription_tier, 'free') as subscription_tier,
  coalesce(p.subscription_status, 'active') as subscription_status,
  p.subscription_end_date at time zone 'UTC' as subscription_end,
  p.stripe_customer_id,
  coalesce(p.credits_balance, 0) as credits_balance,
  coalesce(p.needs_attention, false) as needs_attention,
  coalesce(p.is_banned, false) as is_banned,
  coalesce(p.last_sign_in_at, a.last_sign_in_at) as last_sign_in_at,
  coalesce(p.created_at, a.created_at, timestamptz '1970-01-01 00:00:00+00') as created_at,
  coalesce(p.updated_at, p.created_at, a.created_at, timestamptz '1970-01-01 00:00:00+00')
    as updated_at
from auth.users a
left join profiles p on p.id = a.id
