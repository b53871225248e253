-- Nobody gets a plan that the text does not name.
select b."id", b."plan", b."subscriptionPlan"
from "Brand" b
where b."subscriptionPlan"::text <> 'FREE'
  and b."subscriptionPlan"::text <> replace(replace(replace(upper(btrim(b."plan")), 'ENTREPRISE', 'ENTERPRISE'),
                                                    'PROFESSIONAL', 'PRO'), 'PRO', 'PROFESSIONAL')
