-- The plan was free text. A word that no plan has gives no right: FREE.
select b."id", b."name", b."slug", b."description", b."logo", b."website", b."status",
  b."companyName", b."vatNumber", b."address", b."city", b."country", b."postalCode", b."phone",
  b."stripeCustomerId", b."plan", b."planExpiresAt", b."settings", b."webhookUrl",
  b."webhookSecret", b."createdAt", b."updatedAt", b."limits", b."stripeSubscriptionId",
  b."aiCostLimitCents", b."aiCostResetAt", b."aiCostUsedCents",
  case lower(btrim(b."plan"))
    when 'starter' then 'STARTER'
    when 'pro' then 'PROFESSIONAL'
    when 'professional' then 'PROFESSIONAL'
    when 'enterprise' then 'ENTERPRISE'
    when 'entreprise' then 'ENTERPRISE'
    else 'FREE'
  end::personalization_v2."SubscriptionPlan" as "subscriptionPlan",
  case b."status"
    when 'ACTIVE' then 'ACTIVE'
    when 'PENDING_VERIFICATION' then 'TRIALING'
    when 'SUSPENDED' then 'PAST_DUE'
    else 'CANCELED'
  end::personalization_v2."SubscriptionStatus" as "subscriptionStatus"
from "Brand" b
