-- The address is unique within the brand; it is given once and stays (registry/product_slug.sql).
select p."id", p."name", p."description", p."sku", p."price", p."currency", p."images",
  p."model3dUrl", p."modelConfig", p."customizationOptions", p."isActive", p."isPublic",
  p."createdAt", p."updatedAt", p."brandId", p."baseCostCents", p."laborCostCents",
  p."overheadCostCents", p."materialOptions", p."finishOptions", p."productionTime", p."rulesJson",
  p."baseAssetUrl",
  s.value as "slug",
  case when not p."isActive" then 'ARCHIVED' when p."isPublic" then 'ACTIVE' else 'DRAFT' end
    ::personalization_v2."ProductStatus" as "status"
from "Product" p
left join product_slug s on s."brandId" = p."brandId" and s."id" = p."id"
