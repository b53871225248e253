-- What V2 no longer keeps (lifetime_credits and the counters of adverts) stays as V1 had it.
select
  p.id, p.email, p.role = 'admin' as is_admin, p.is_banned, p.created_at, p.last_sign_in_at,
  p.full_name, p.phone_number, p.avatar_url, p.auth_provider, p.provider_id, p.subscription_tier,
  p.subscription_status, p.subscription_end at time zone 'UTC' as subscription_end_date,
  p.stripe_customer_id, p.credits_balance, p.language, p.theme, p.notifications_enabled,
  p.marketing_emails_enabled, p.ads_enabled, p.daily_ads_limit, p.google_id, p.apple_id, p.github_id,
  p.email_verified, p.phone_verified, p.needs_attention, p.updated_at
from profiles p
