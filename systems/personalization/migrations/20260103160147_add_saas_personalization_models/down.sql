-- Takes away what the change made, if that holds nothing that V1 has no place for.
-- `repot migrate rollback` counts for itself, and keeps what it is told to give up.
DO $$
DECLARE
    held TEXT;
BEGIN
    SELECT string_agg(format('%s of %s', n, kind), ', ')
    INTO held
    FROM (
        SELECT 'ClientSettings' AS kind, count(*) AS n FROM "ClientSettings"
        UNION ALL
        SELECT 'CustomizationZone', count(*) FROM "CustomizationZone"
        UNION ALL
        SELECT 'Template', count(*) FROM "Template"
        UNION ALL
        SELECT 'Generation', count(*) FROM "Generation"
        UNION ALL
        SELECT 'Invoice', count(*) FROM "Invoice"
        UNION ALL
        SELECT 'UsageRecord', count(*) FROM "UsageRecord"
        UNION ALL
        SELECT 'Brand (settings of the new plans)', count(*) FROM "Brand"
        WHERE "arEnabled" OR "whiteLabel" OR "deletedAt" IS NOT NULL OR "trialEndsAt" IS NOT NULL
           OR "maxMonthlyGenerations" <> 100 OR "maxProducts" <> 5 OR "monthlyGenerations" <> 0
        UNION ALL
        SELECT 'Product (new fields)', count(*) FROM "Product"
        WHERE "category" IS NOT NULL OR "tags" <> '{}' OR "arEnabled" OR "deletedAt" IS NOT NULL
           OR "publishedAt" IS NOT NULL OR "promptTemplate" IS NOT NULL OR "negativePrompt" IS NOT NULL
           OR num_nonnulls("thumbnailUrl", "baseImageUrl", "maskImageUrl", "arModelUrl") > 0
    ) t
    WHERE n > 0;
    IF held IS NOT NULL AND current_setting('application_name') <> 'repot migrate rollback' THEN
        RAISE EXCEPTION 'rows that V1 has no place for would be lost: %', held
            USING ERRCODE = 'restrict_violation', HINT = 'save them first; nothing was changed';
    END IF;
END
$$;

DROP TABLE "UsageRecord";
DROP TABLE "Invoice";
DROP TABLE "Generation";
DROP TABLE "Template";
DROP TABLE "CustomizationZone";
DROP TABLE "ClientSettings";
ALTER TABLE "Product" DROP COLUMN "deletedAt",
    DROP COLUMN "publishedAt",
    DROP COLUMN "negativePrompt",
    DROP COLUMN "promptTemplate",
    DROP COLUMN "outputHeight",
    DROP COLUMN "outputWidth",
    DROP COLUMN "outputFormat",
    DROP COLUMN "generationQuality",
    DROP COLUMN "aiProvider",
    DROP COLUMN "arScale",
    DROP COLUMN "arModelUrl",
    DROP COLUMN "arEnabled",
    DROP COLUMN "maskImageUrl",
    DROP COLUMN "baseImageUrl",
    DROP COLUMN "thumbnailUrl",
    DROP COLUMN "tags",
    DROP COLUMN "category",
    DROP COLUMN "status",
    DROP COLUMN "slug";
COMMENT ON COLUMN "Brand"."plan" IS NULL;
ALTER TABLE "Brand" DROP COLUMN "whiteLabel",
    DROP COLUMN "trialEndsAt",
    DROP COLUMN "subscriptionStatus",
    DROP COLUMN "subscriptionPlan",
    DROP COLUMN "monthlyGenerations",
    DROP COLUMN "maxProducts",
    DROP COLUMN "maxMonthlyGenerations",
    DROP COLUMN "deletedAt",
    DROP COLUMN "arEnabled";
DROP TYPE "WebhookEvent";
DROP TYPE "ProductStatus";
DROP TYPE "CustomizationType";
DROP TYPE "GenerationStatus";
DROP TYPE "SubscriptionStatus";
DROP TYPE "SubscriptionPlan";
DROP FUNCTION slugify(TEXT);
