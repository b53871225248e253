-- V2. Plain DDL with bare names: Repot runs it in the schema personalization_v2, whose tables move to
-- public at the cutover. Column for column it is what the folder migrations/ ends in. V1's enums are not
-- made anew: they stay where they are, and V2 uses them.

-- The one text of a JSON value: keys by code point, no white space, strings as JSON itself escapes
-- them, numbers as plain decimals (1, 1.0 and 1e0 are "1"). spec.py computes the same.
CREATE FUNCTION canonical_json(spec JSONB) RETURNS TEXT
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
    WITH RECURSIVE node(place, head, value) AS (
        SELECT ARRAY[]::INTEGER[], '', spec
        UNION ALL
        SELECT n.place || c.number::INTEGER, c.head, c.value
        FROM node n
        CROSS JOIN LATERAL (
            SELECT row_number() OVER (ORDER BY e.key COLLATE "C") AS number,
                   to_jsonb(e.key)::TEXT || ':' AS head, e.value
            FROM jsonb_each(CASE jsonb_typeof(n.value) WHEN 'object' THEN n.value ELSE '{}' END) e
            UNION ALL
            SELECT a.number, '', a.value
            FROM jsonb_array_elements(CASE jsonb_typeof(n.value) WHEN 'array' THEN n.value ELSE '[]' END)
                 WITH ORDINALITY a(value, number)
        ) c
    ),
    part(place, piece) AS (
        SELECT n.place,
               CASE WHEN n.place[cardinality(n.place)] > 1 THEN ',' ELSE '' END || n.head
               || CASE jsonb_typeof(n.value)
                      WHEN 'object' THEN '{'
                      WHEN 'array' THEN '['
                      WHEN 'number' THEN trim_scale(n.value::NUMERIC)::TEXT
                      ELSE n.value::TEXT
                  END
        FROM node n
        UNION ALL
        SELECT n.place || 2147483647, CASE jsonb_typeof(n.value) WHEN 'object' THEN '}' ELSE ']' END
        FROM node n
        WHERE jsonb_typeof(n.value) IN ('object', 'array')
    )
    SELECT string_agg(p.piece, '' ORDER BY p.place) FROM part p;
END;
COMMENT ON FUNCTION canonical_json(JSONB) IS 'The same for the same value, whatever its key order, number form or white space';

CREATE FUNCTION spec_hash(spec JSONB) RETURNS TEXT
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
    SELECT encode(sha256(convert_to(canonical_json(spec), 'UTF8')), 'hex');
END;
COMMENT ON FUNCTION spec_hash(JSONB) IS 'SHA-256 of canonical_json, hexadecimal';

-- How a name becomes an address: accents and signs folded, everything else a hyphen.
CREATE FUNCTION slugify(value TEXT) RETURNS TEXT
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
    SELECT btrim(regexp_replace(
        replace(replace(replace(replace(replace(
            translate(
                lower(regexp_replace(normalize(value, NFKD),
                                     '[\u0300-\u036F\u1AB0-\u1AFF\u1DC0-\u1DFF\u20D0-\u20FF\uFE20-\uFE2F]',
                                     '', 'g') COLLATE "C"),
                'ØøŁłĐđÐðĦħŦŧıĸƒŒÆÞŊẞ', 'oollddddhhttikfœæþŋß'),
            'œ', 'oe'), 'æ', 'ae'), 'þ', 'th'), 'ŋ', 'ng'), 'ß', 'ss'),
        '[^a-z0-9]+', '-', 'g'), '-');
END;
COMMENT ON FUNCTION slugify(TEXT) IS 'Mug Été → mug-ete; empty where nothing is left';

-- CreateEnum
CREATE TYPE "SubscriptionPlan" AS ENUM ('FREE', 'STARTER', 'PROFESSIONAL', 'ENTERPRISE');

-- CreateEnum
CREATE TYPE "SubscriptionStatus" AS ENUM ('ACTIVE', 'PAST_DUE', 'CANCELED', 'TRIALING');

-- CreateEnum
CREATE TYPE "GenerationStatus" AS ENUM ('PENDING', 'PROCESSING', 'COMPLETED', 'FAILED', 'EXPIRED');

-- CreateEnum
CREATE TYPE "CustomizationType" AS ENUM ('TEXT', 'IMAGE', 'COLOR', 'PATTERN', 'FONT', 'SIZE', 'POSITION');

-- CreateEnum
CREATE TYPE "ProductStatus" AS ENUM ('DRAFT', 'ACTIVE', 'ARCHIVED');

-- CreateEnum
CREATE TYPE "WebhookEvent" AS ENUM ('GENERATION_STARTED', 'GENERATION_COMPLETED', 'GENERATION_FAILED', 'AR_VIEW');

-- CreateTable
CREATE TABLE "Brand" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "slug" TEXT NOT NULL,
    "description" TEXT,
    "logo" TEXT,
    "website" TEXT,
    "status" "BrandStatus" NOT NULL DEFAULT 'PENDING_VERIFICATION',
    "companyName" TEXT,
    "vatNumber" TEXT,
    "address" TEXT,
    "city" TEXT,
    "country" TEXT,
    "postalCode" TEXT,
    "phone" TEXT,
    "stripeCustomerId" TEXT,
    "plan" TEXT NOT NULL DEFAULT 'starter',
    "planExpiresAt" TIMESTAMP(3),
    "settings" JSONB,
    "webhookUrl" TEXT,
    "webhookSecret" TEXT,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMP(3) NOT NULL,
    "limits" JSONB,
    "stripeSubscriptionId" TEXT,
    "aiCostLimitCents" INTEGER NOT NULL DEFAULT 50000,
    "aiCostResetAt" TIMESTAMP(3),
    "aiCostUsedCents" INTEGER NOT NULL DEFAULT 0,
    "arEnabled" BOOLEAN NOT NULL DEFAULT false,
    "deletedAt" TIMESTAMP(3),
    "maxMonthlyGenerations" INTEGER NOT NULL DEFAULT 100,
    "maxProducts" INTEGER NOT NULL DEFAULT 5,
    "monthlyGenerations" INTEGER NOT NULL DEFAULT 0,
    "subscriptionPlan" "SubscriptionPlan" NOT NULL DEFAULT 'FREE',
    "subscriptionStatus" "SubscriptionStatus" NOT NULL DEFAULT 'TRIALING',
    "trialEndsAt" TIMESTAMP(3),
    "whiteLabel" BOOLEAN NOT NULL DEFAULT false,

    CONSTRAINT "Brand_pkey" PRIMARY KEY (id)
);
COMMENT ON COLUMN "Brand"."plan" IS 'Deprecated: see subscriptionPlan';

-- CreateTable
CREATE TABLE "Product" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "description" TEXT,
    "sku" TEXT,
    "price" DECIMAL(10,2) NOT NULL,
    "currency" TEXT NOT NULL DEFAULT 'EUR',
    "images" TEXT[],
    "model3dUrl" TEXT,
    "modelConfig" JSONB,
    "customizationOptions" JSONB,
    "isActive" BOOLEAN NOT NULL DEFAULT true,
    "isPublic" BOOLEAN NOT NULL DEFAULT true,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMP(3) NOT NULL,
    "brandId" TEXT NOT NULL,
    "baseCostCents" INTEGER,
    "laborCostCents" INTEGER,
    "overheadCostCents" INTEGER,
    "materialOptions" JSONB,
    "finishOptions" JSONB,
    "productionTime" INTEGER,
    "rulesJson" JSONB,
    "baseAssetUrl" TEXT,
    "slug" TEXT NOT NULL,
    "status" "ProductStatus" NOT NULL DEFAULT 'DRAFT',
    "category" TEXT,
    "tags" TEXT[] NOT NULL DEFAULT ARRAY[]::TEXT[],
    "thumbnailUrl" TEXT,
    "baseImageUrl" TEXT,
    "maskImageUrl" TEXT,
    "arEnabled" BOOLEAN NOT NULL DEFAULT false,
    "arModelUrl" TEXT,
    "arScale" DOUBLE PRECISION NOT NULL DEFAULT 1,
    "aiProvider" TEXT NOT NULL DEFAULT 'openai',
    "generationQuality" TEXT NOT NULL DEFAULT 'standard',
    "outputFormat" TEXT NOT NULL DEFAULT 'png',
    "outputWidth" INTEGER NOT NULL DEFAULT 1024,
    "outputHeight" INTEGER NOT NULL DEFAULT 1024,
    "promptTemplate" TEXT,
    "negativePrompt" TEXT,
    "publishedAt" TIMESTAMP(3),
    "deletedAt" TIMESTAMP(3),

    CONSTRAINT "Product_pkey" PRIMARY KEY (id)
);

-- CreateTable
CREATE TABLE "User" (
    "id" TEXT NOT NULL,
    "email" TEXT NOT NULL,
    "password" TEXT,
    "firstName" TEXT,
    "lastName" TEXT,
    "name" TEXT,
    "avatar" TEXT,
    "role" "UserRole" NOT NULL DEFAULT 'CONSUMER',
    "isActive" BOOLEAN NOT NULL DEFAULT true,
    "emailVerified" BOOLEAN NOT NULL DEFAULT false,
    "lastLoginAt" TIMESTAMP(3),
    "brandId" TEXT,
    "ai_credits" INTEGER NOT NULL DEFAULT 0,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMP(3) NOT NULL,

    CONSTRAINT "User_pkey" PRIMARY KEY (id)
);

-- CreateTable
CREATE TABLE "Design" (
    "id" TEXT NOT NULL,
    "name" TEXT,
    "description" TEXT,
    "prompt" TEXT NOT NULL,
    "promptHash" TEXT,
    "options" JSONB NOT NULL,
    "status" "DesignStatus" NOT NULL DEFAULT 'PENDING',
    "previewUrl" TEXT,
    "highResUrl" TEXT,
    "metadata" JSONB,
    "costCents" INTEGER NOT NULL DEFAULT 0,
    "provider" TEXT,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMP(3) NOT NULL,
    "completedAt" TIMESTAMP(3),
    "userId" TEXT,
    "brandId" TEXT NOT NULL,
    "productId" TEXT NOT NULL,
    "specId" TEXT,

    CONSTRAINT "Design_pkey" PRIMARY KEY (id)
);

-- CreateTable
CREATE TABLE "Order" (
    "id" TEXT NOT NULL,
    "orderNumber" TEXT NOT NULL,
    "status" "OrderStatus" NOT NULL DEFAULT 'CREATED',
    "customerEmail" TEXT NOT NULL,
    "customerName" TEXT,
    "customerPhone" TEXT,
    "shippingAddress" JSONB,
    "subtotalCents" INTEGER NOT NULL,
    "taxCents" INTEGER NOT NULL DEFAULT 0,
    "shippingCents" INTEGER NOT NULL DEFAULT 0,
    "totalCents" INTEGER NOT NULL,
    "currency" TEXT NOT NULL DEFAULT 'EUR',
    "paymentStatus" "PaymentStatus" NOT NULL DEFAULT 'PENDING',
    "stripeSessionId" TEXT,
    "stripePaymentId" TEXT,
    "trackingNumber" TEXT,
    "trackingUrl" TEXT,
    "notes" TEXT,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMP(3) NOT NULL,
    "paidAt" TIMESTAMP(3),
    "shippedAt" TIMESTAMP(3),
    "userId" TEXT,
    "brandId" TEXT NOT NULL,
    "designId" TEXT,
    "productId" TEXT,
    "metadata" JSONB,

    CONSTRAINT "Order_pkey" PRIMARY KEY (id)
);
COMMENT ON COLUMN "Order"."designId" IS 'Deprecated: see OrderItem';
COMMENT ON COLUMN "Order"."productId" IS 'Deprecated: see OrderItem';

-- CreateTable
CREATE TABLE "Zone" (
    "id" TEXT NOT NULL,
    "productId" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "description" TEXT,
    "type" "ZoneType" NOT NULL,
    "positionX" DOUBLE PRECISION NOT NULL,
    "positionY" DOUBLE PRECISION NOT NULL,
    "positionZ" DOUBLE PRECISION NOT NULL,
    "rotationX" DOUBLE PRECISION NOT NULL DEFAULT 0,
    "rotationY" DOUBLE PRECISION NOT NULL DEFAULT 0,
    "rotationZ" DOUBLE PRECISION NOT NULL DEFAULT 0,
    "scaleX" DOUBLE PRECISION NOT NULL DEFAULT 1,
    "scaleY" DOUBLE PRECISION NOT NULL DEFAULT 1,
    "scaleZ" DOUBLE PRECISION NOT NULL DEFAULT 1,
    "uvMinU" DOUBLE PRECISION NOT NULL DEFAULT 0,
    "uvMaxU" DOUBLE PRECISION NOT NULL DEFAULT 1,
    "uvMinV" DOUBLE PRECISION NOT NULL DEFAULT 0,
    "uvMaxV" DOUBLE PRECISION NOT NULL DEFAULT 1,
    "maxChars" INTEGER,
    "allowedFonts" TEXT[],
    "allowedColors" TEXT[],
    "isRequired" BOOLEAN NOT NULL DEFAULT false,
    "isActive" BOOLEAN NOT NULL DEFAULT true,
    "order" INTEGER NOT NULL DEFAULT 0,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMP(3) NOT NULL,

    CONSTRAINT "Zone_pkey" PRIMARY KEY (id)
);

-- CreateTable
CREATE TABLE "Customization" (
    "id" TEXT NOT NULL,
    "name" TEXT,
    "prompt" TEXT NOT NULL,
    "promptHash" TEXT,
    "zoneId" TEXT NOT NULL,
    "productId" TEXT NOT NULL,
    "font" TEXT,
    "color" TEXT,
    "size" INTEGER,
    "effect" "CustomizationEffect" NOT NULL DEFAULT 'NORMAL',
    "orientation" TEXT NOT NULL DEFAULT 'horizontal',
    "options" JSONB,
    "status" "CustomizationStatus" NOT NULL DEFAULT 'PENDING',
    "jobId" TEXT,
    "textureUrl" TEXT,
    "errorMessage" TEXT,
    "costCents" INTEGER NOT NULL DEFAULT 0,
    "userId" TEXT,
    "brandId" TEXT,
    "designId" TEXT,
    "orderId" TEXT,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMP(3) NOT NULL,
    "completedAt" TIMESTAMP(3),
    "snapshotId" TEXT,

    CONSTRAINT "Customization_pkey" PRIMARY KEY (id)
);

-- CreateTable
CREATE TABLE "RenderResult" (
    "id" TEXT NOT NULL,
    "renderId" TEXT NOT NULL,
    "type" "RenderType" NOT NULL,
    "status" TEXT NOT NULL,
    "url" TEXT,
    "thumbnailUrl" TEXT,
    "metadata" JSONB,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "snapshotId" TEXT,
    "designId" TEXT,
    "customizationId" TEXT,

    CONSTRAINT "RenderResult_pkey" PRIMARY KEY (id)
);

-- CreateTable
CREATE TABLE "Artisan" (
    "id" TEXT NOT NULL,
    "userId" TEXT,
    "businessName" TEXT NOT NULL,
    "email" TEXT NOT NULL,
    "phone" TEXT,
    "address" JSONB,
    "supportedMaterials" TEXT[],
    "supportedTechniques" TEXT[],
    "maxVolume" INTEGER,
    "averageLeadTime" INTEGER,
    "qualityScore" DOUBLE PRECISION NOT NULL DEFAULT 5,
    "status" TEXT NOT NULL DEFAULT 'active',
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMP(3) NOT NULL,

    CONSTRAINT "Artisan_pkey" PRIMARY KEY (id)
);

-- CreateTable
CREATE TABLE "Quote" (
    "id" TEXT NOT NULL,
    "artisanId" TEXT NOT NULL,
    "orderId" TEXT,
    "priceCents" INTEGER NOT NULL,
    "leadTimeDays" INTEGER NOT NULL,
    "status" "QuoteStatus" NOT NULL DEFAULT 'PENDING',
    "breakdown" JSONB,
    "validUntil" TIMESTAMP(3),
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMP(3) NOT NULL,

    CONSTRAINT "Quote_pkey" PRIMARY KEY (id)
);

-- CreateTable
CREATE TABLE "WorkOrder" (
    "id" TEXT NOT NULL,
    "orderId" TEXT NOT NULL,
    "artisanId" TEXT NOT NULL,
    "quoteId" TEXT,
    "status" TEXT NOT NULL DEFAULT 'assigned',
    "instructions" TEXT,
    "trackingNumber" TEXT,
    "payoutCents" INTEGER,
    "startedAt" TIMESTAMP(3),
    "completedAt" TIMESTAMP(3),
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMP(3) NOT NULL,
    "snapshotId" TEXT,

    CONSTRAINT "WorkOrder_pkey" PRIMARY KEY (id)
);

-- CreateTable
CREATE TABLE "SLARecord" (
    "id" TEXT NOT NULL,
    "artisanId" TEXT NOT NULL,
    "workOrderId" TEXT NOT NULL,
    "deadline" TIMESTAMP(3) NOT NULL,
    "completedAt" TIMESTAMP(3),
    "onTime" BOOLEAN,
    "delayHours" INTEGER,
    "penaltyCents" INTEGER NOT NULL DEFAULT 0,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "SLARecord_pkey" PRIMARY KEY (id)
);

-- CreateTable
CREATE TABLE "Asset" (
    "id" TEXT NOT NULL,
    "url" TEXT NOT NULL,
    "type" TEXT NOT NULL,
    "format" TEXT,
    "size" INTEGER,
    "width" INTEGER,
    "height" INTEGER,
    "metadata" JSONB,
    "designId" TEXT NOT NULL,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "Asset_pkey" PRIMARY KEY (id)
);

-- CreateTable
CREATE TABLE "ProductMapping" (
    "id" TEXT NOT NULL,
    "shopDomain" TEXT NOT NULL,
    "shopifyProductId" TEXT NOT NULL,
    "shopifyVariantId" TEXT,
    "syncStatus" TEXT NOT NULL DEFAULT 'pending',
    "lastSyncAt" TIMESTAMP(3),
    "productId" TEXT NOT NULL,
    "brandId" TEXT NOT NULL,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMP(3) NOT NULL,

    CONSTRAINT "ProductMapping_pkey" PRIMARY KEY (id)
);

-- CreateTable
CREATE TABLE "Webhook" (
    "id" TEXT NOT NULL,
    "url" TEXT NOT NULL,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "brandId" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "secret" TEXT,
    "events" "WebhookEvent"[] NOT NULL DEFAULT ARRAY[]::"WebhookEvent"[],
    "isActive" BOOLEAN NOT NULL DEFAULT true,
    "failureCount" INTEGER NOT NULL DEFAULT 0,
    "lastCalledAt" TIMESTAMP(3),
    "lastStatusCode" INTEGER,
    "updatedAt" TIMESTAMP(3) NOT NULL,

    CONSTRAINT "Webhook_pkey" PRIMARY KEY (id)
);

-- CreateTable
CREATE TABLE "WebhookLogArchive" (
    "id" TEXT NOT NULL,
    "webhookId" TEXT NOT NULL,
    "topic" TEXT NOT NULL,
    "shopDomain" TEXT NOT NULL,
    "payload" JSONB NOT NULL,
    "status" TEXT NOT NULL DEFAULT 'received',
    "processedAt" TIMESTAMP(3),
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "orphan" BOOLEAN NOT NULL DEFAULT false,

    CONSTRAINT "WebhookLogArchive_pkey" PRIMARY KEY (id)
);
COMMENT ON TABLE "WebhookLogArchive" IS 'What came in before the logs were simplified; webhookId is a row of the old Webhook';

-- CreateTable
CREATE TABLE "DesignSpec" (
    "id" TEXT NOT NULL,
    "specVersion" TEXT NOT NULL DEFAULT '1.0.0',
    "specHash" TEXT NOT NULL,
    "spec" JSONB NOT NULL,
    "productId" TEXT NOT NULL,
    "zoneInputs" JSONB NOT NULL,
    "metadata" JSONB,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMP(3) NOT NULL,

    CONSTRAINT "DesignSpec_pkey" PRIMARY KEY (id),
    CONSTRAINT "DesignSpec_specHash_check" CHECK ("specHash" = spec_hash(spec))
);

-- CreateTable
CREATE TABLE "Snapshot" (
    "id" TEXT NOT NULL,
    "specId" TEXT NOT NULL,
    "specHash" TEXT NOT NULL,
    "spec" JSONB NOT NULL,
    "previewUrl" TEXT,
    "preview3dUrl" TEXT,
    "thumbnailUrl" TEXT,
    "productionBundleUrl" TEXT,
    "arModelUrl" TEXT,
    "gltfModelUrl" TEXT,
    "assetVersions" JSONB,
    "isValidated" BOOLEAN NOT NULL DEFAULT false,
    "validatedBy" TEXT,
    "validatedAt" TIMESTAMP(3),
    "isLocked" BOOLEAN NOT NULL DEFAULT false,
    "lockedAt" TIMESTAMP(3),
    "createdBy" TEXT,
    "provenance" JSONB,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMP(3) NOT NULL,

    CONSTRAINT "Snapshot_pkey" PRIMARY KEY (id),
    CONSTRAINT "Snapshot_locked_check" CHECK ("isLocked" = ("lockedAt" IS NOT NULL)),
    CONSTRAINT "Snapshot_specHash_check" CHECK ("specHash" = spec_hash(spec)),
    CONSTRAINT "Snapshot_validated_check" CHECK ("isValidated" = ("validatedAt" IS NOT NULL))
);
COMMENT ON TABLE "Snapshot" IS 'Immutable: see the trigger Snapshot_immutable';

-- CreateTable
CREATE TABLE "OrderItem" (
    "id" TEXT NOT NULL,
    "orderId" TEXT NOT NULL,
    "productId" TEXT NOT NULL,
    "designId" TEXT,
    "snapshotId" TEXT,
    "quantity" INTEGER NOT NULL DEFAULT 1,
    "priceCents" INTEGER NOT NULL,
    "totalCents" INTEGER NOT NULL,
    "metadata" JSONB,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMP(3) NOT NULL,

    CONSTRAINT "OrderItem_pkey" PRIMARY KEY (id),
    CONSTRAINT "OrderItem_quantity_check" CHECK (quantity > 0),
    CONSTRAINT "OrderItem_totalCents_check" CHECK ("totalCents" = (("priceCents")::bigint * quantity))
);

-- CreateTable
CREATE TABLE "OrderWithoutItem" (
    "orderId" TEXT NOT NULL,
    "designId" TEXT,
    "subtotalCents" INTEGER NOT NULL,
    "reason" TEXT NOT NULL,

    CONSTRAINT "OrderWithoutItem_pkey" PRIMARY KEY ("orderId")
);
COMMENT ON TABLE "OrderWithoutItem" IS 'Orders of before the items that name no product: no item could be made of them';

-- CreateTable
CREATE TABLE "ClientSettings" (
    "id" TEXT NOT NULL,
    "brandId" TEXT NOT NULL,
    "primaryColor" TEXT,
    "secondaryColor" TEXT,
    "logoUrl" TEXT,
    "widgetPosition" TEXT NOT NULL DEFAULT 'bottom-right',
    "language" TEXT NOT NULL DEFAULT 'fr',
    "allowedDomains" TEXT[] NOT NULL DEFAULT ARRAY[]::TEXT[],
    "customCss" TEXT,
    "notifyEmail" TEXT,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMP(3) NOT NULL,

    CONSTRAINT "ClientSettings_pkey" PRIMARY KEY (id)
);

-- CreateTable
CREATE TABLE "CustomizationZone" (
    "id" TEXT NOT NULL,
    "productId" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "type" "CustomizationType" NOT NULL,
    "x" DOUBLE PRECISION NOT NULL,
    "y" DOUBLE PRECISION NOT NULL,
    "width" DOUBLE PRECISION NOT NULL,
    "height" DOUBLE PRECISION NOT NULL,
    "rotation" DOUBLE PRECISION NOT NULL DEFAULT 0,
    "maxLength" INTEGER,
    "allowedFonts" TEXT[] NOT NULL DEFAULT ARRAY[]::TEXT[],
    "allowedColors" TEXT[] NOT NULL DEFAULT ARRAY[]::TEXT[],
    "isRequired" BOOLEAN NOT NULL DEFAULT false,
    "sortOrder" INTEGER NOT NULL DEFAULT 0,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMP(3) NOT NULL,

    CONSTRAINT "CustomizationZone_pkey" PRIMARY KEY (id)
);

-- CreateTable
CREATE TABLE "Template" (
    "id" TEXT NOT NULL,
    "brandId" TEXT NOT NULL,
    "productId" TEXT,
    "name" TEXT NOT NULL,
    "prompt" TEXT NOT NULL,
    "options" JSONB,
    "previewUrl" TEXT,
    "isPublic" BOOLEAN NOT NULL DEFAULT false,
    "usageCount" INTEGER NOT NULL DEFAULT 0,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMP(3) NOT NULL,

    CONSTRAINT "Template_pkey" PRIMARY KEY (id)
);

-- CreateTable
CREATE TABLE "Generation" (
    "id" TEXT NOT NULL,
    "brandId" TEXT NOT NULL,
    "productId" TEXT NOT NULL,
    "templateId" TEXT,
    "status" "GenerationStatus" NOT NULL DEFAULT 'PENDING',
    "prompt" TEXT NOT NULL,
    "customizations" JSONB NOT NULL,
    "resultUrl" TEXT,
    "arModelUrl" TEXT,
    "error" TEXT,
    "provider" TEXT,
    "costCents" INTEGER NOT NULL DEFAULT 0,
    "durationMs" INTEGER,
    "sessionId" TEXT,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "completedAt" TIMESTAMP(3),
    "expiresAt" TIMESTAMP(3),

    CONSTRAINT "Generation_pkey" PRIMARY KEY (id)
);

-- CreateTable
CREATE TABLE "Invoice" (
    "id" TEXT NOT NULL,
    "brandId" TEXT NOT NULL,
    "number" TEXT NOT NULL,
    "stripeInvoiceId" TEXT,
    "amountCents" INTEGER NOT NULL,
    "currency" TEXT NOT NULL DEFAULT 'EUR',
    "status" TEXT NOT NULL DEFAULT 'draft',
    "periodStart" TIMESTAMP(3) NOT NULL,
    "periodEnd" TIMESTAMP(3) NOT NULL,
    "paidAt" TIMESTAMP(3),
    "pdfUrl" TEXT,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "Invoice_pkey" PRIMARY KEY (id),
    CONSTRAINT "Invoice_period_check" CHECK ("periodStart" <= "periodEnd")
);

-- CreateTable
CREATE TABLE "UsageRecord" (
    "id" TEXT NOT NULL,
    "brandId" TEXT NOT NULL,
    "generationId" TEXT,
    "metric" TEXT NOT NULL,
    "quantity" INTEGER NOT NULL DEFAULT 1,
    "recordedAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "UsageRecord_pkey" PRIMARY KEY (id)
);

-- CreateTable
CREATE TABLE "WebhookDelivery" (
    "id" TEXT NOT NULL,
    "webhookId" TEXT NOT NULL,
    "event" TEXT NOT NULL,
    "payload" JSONB NOT NULL,
    "statusCode" INTEGER,
    "success" BOOLEAN NOT NULL DEFAULT false,
    "error" TEXT,
    "idempotencyKey" TEXT,
    "timestamp" TIMESTAMP(3),
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "WebhookDelivery_pkey" PRIMARY KEY (id)
);
COMMENT ON TABLE "WebhookDelivery" IS 'A call that was made';

-- CreateTable
CREATE TABLE "WebhookTopic" (
    "id" TEXT NOT NULL,
    "webhookId" TEXT NOT NULL,
    "event" TEXT NOT NULL,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "WebhookTopic_pkey" PRIMARY KEY (id)
);
COMMENT ON TABLE "WebhookTopic" IS 'What a subscription asked for in its own words, before there was WebhookEvent';

-- CreateTable
CREATE TABLE "WebhookLog" (
    "id" TEXT NOT NULL,
    "webhookId" TEXT NOT NULL,
    "event" TEXT NOT NULL,
    "statusCode" INTEGER,
    "response" JSONB,
    "error" TEXT,
    "duration" INTEGER,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "WebhookLog_pkey" PRIMARY KEY (id)
);
COMMENT ON COLUMN "WebhookLog"."duration" IS 'milliseconds';

-- CreateIndex
CREATE UNIQUE INDEX "Brand_slug_key" ON "Brand"(slug);

-- CreateIndex
CREATE INDEX "Product_brandId_isActive_idx" ON "Product"("brandId", "isActive");

-- CreateIndex
CREATE UNIQUE INDEX "Product_brandId_slug_key" ON "Product"("brandId", slug);

-- CreateIndex
CREATE INDEX "User_brandId_idx" ON "User"("brandId");

-- CreateIndex
CREATE UNIQUE INDEX "User_email_key" ON "User"(email);

-- CreateIndex
CREATE INDEX "Design_brandId_createdAt_idx" ON "Design"("brandId", "createdAt");

-- CreateIndex
CREATE INDEX "Design_brandId_status_idx" ON "Design"("brandId", status);

-- CreateIndex
CREATE INDEX "Design_productId_idx" ON "Design"("productId");

-- CreateIndex
CREATE INDEX "Design_promptHash_idx" ON "Design"("promptHash");

-- CreateIndex
CREATE INDEX "Order_brandId_createdAt_idx" ON "Order"("brandId", "createdAt");

-- CreateIndex
CREATE INDEX "Order_brandId_status_idx" ON "Order"("brandId", status);

-- CreateIndex
CREATE INDEX "Order_designId_idx" ON "Order"("designId");

-- CreateIndex
CREATE UNIQUE INDEX "Order_orderNumber_key" ON "Order"("orderNumber");

-- CreateIndex
CREATE INDEX "Order_productId_idx" ON "Order"("productId");

-- CreateIndex
CREATE INDEX "Zone_productId_idx" ON "Zone"("productId");

-- CreateIndex
CREATE INDEX "Customization_productId_idx" ON "Customization"("productId");

-- CreateIndex
CREATE INDEX "Customization_zoneId_idx" ON "Customization"("zoneId");

-- CreateIndex
CREATE UNIQUE INDEX "RenderResult_renderId_key" ON "RenderResult"("renderId");

-- CreateIndex
CREATE INDEX "RenderResult_type_status_idx" ON "RenderResult"(type, status);

-- CreateIndex
CREATE INDEX "Quote_artisanId_idx" ON "Quote"("artisanId");

-- CreateIndex
CREATE INDEX "WorkOrder_artisanId_idx" ON "WorkOrder"("artisanId");

-- CreateIndex
CREATE UNIQUE INDEX "WorkOrder_orderId_key" ON "WorkOrder"("orderId");

-- CreateIndex
CREATE UNIQUE INDEX "SLARecord_workOrderId_key" ON "SLARecord"("workOrderId");

-- CreateIndex
CREATE INDEX "Asset_designId_idx" ON "Asset"("designId");

-- CreateIndex
CREATE INDEX "ProductMapping_productId_idx" ON "ProductMapping"("productId");

-- CreateIndex
CREATE UNIQUE INDEX "ProductMapping_shopDomain_shopifyProductId_key" ON "ProductMapping"("shopDomain", "shopifyProductId");

-- CreateIndex
CREATE UNIQUE INDEX "Webhook_brandId_url_key" ON "Webhook"("brandId", url);

-- CreateIndex
CREATE INDEX "WebhookLogArchive_webhookId_idx" ON "WebhookLogArchive"("webhookId");

-- CreateIndex
CREATE UNIQUE INDEX "DesignSpec_id_specHash_key" ON "DesignSpec"(id, "specHash");

-- CreateIndex
CREATE INDEX "DesignSpec_productId_idx" ON "DesignSpec"("productId");

-- CreateIndex
CREATE UNIQUE INDEX "DesignSpec_specHash_key" ON "DesignSpec"("specHash");

-- CreateIndex
CREATE UNIQUE INDEX "Snapshot_specHash_validated_key" ON "Snapshot"("specHash") WHERE "isValidated";

-- CreateIndex
CREATE INDEX "Snapshot_specId_idx" ON "Snapshot"("specId");

-- CreateIndex
CREATE INDEX "OrderItem_orderId_idx" ON "OrderItem"("orderId");

-- CreateIndex
CREATE INDEX "OrderItem_productId_idx" ON "OrderItem"("productId");

-- CreateIndex
CREATE UNIQUE INDEX "ClientSettings_brandId_key" ON "ClientSettings"("brandId");

-- CreateIndex
CREATE INDEX "CustomizationZone_productId_idx" ON "CustomizationZone"("productId");

-- CreateIndex
CREATE INDEX "Template_brandId_idx" ON "Template"("brandId");

-- CreateIndex
CREATE INDEX "Generation_brandId_createdAt_idx" ON "Generation"("brandId", "createdAt");

-- CreateIndex
CREATE INDEX "Generation_productId_idx" ON "Generation"("productId");

-- CreateIndex
CREATE INDEX "Invoice_brandId_idx" ON "Invoice"("brandId");

-- CreateIndex
CREATE UNIQUE INDEX "Invoice_number_key" ON "Invoice"(number);

-- CreateIndex
CREATE UNIQUE INDEX "Invoice_stripeInvoiceId_key" ON "Invoice"("stripeInvoiceId");

-- CreateIndex
CREATE INDEX "UsageRecord_brandId_metric_recordedAt_idx" ON "UsageRecord"("brandId", metric, "recordedAt");

-- CreateIndex
CREATE UNIQUE INDEX "WebhookDelivery_idempotencyKey_key" ON "WebhookDelivery"("idempotencyKey");

-- CreateIndex
CREATE INDEX "WebhookDelivery_webhookId_createdAt_idx" ON "WebhookDelivery"("webhookId", "createdAt");

-- CreateIndex
CREATE INDEX "WebhookTopic_webhookId_idx" ON "WebhookTopic"("webhookId");

-- CreateIndex
CREATE INDEX "WebhookLog_webhookId_createdAt_idx" ON "WebhookLog"("webhookId", "createdAt");

-- What a snapshot says never changes, and no snapshot goes. Until it is locked, rendered files may be
-- added and it may be validated; a locked one takes nothing any more. Neither step can be undone.
CREATE FUNCTION snapshot_immutable() RETURNS TRIGGER
    LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF NOT OLD."isLocked"
            AND (NEW."id", NEW."specId", NEW."specHash", NEW."spec"::TEXT, NEW."createdBy",
                 NEW."provenance"::TEXT, NEW."createdAt")
                IS NOT DISTINCT FROM
                (OLD."id", OLD."specId", OLD."specHash", OLD."spec"::TEXT, OLD."createdBy",
                 OLD."provenance"::TEXT, OLD."createdAt")
            AND (NOT OLD."isValidated"
                 OR (NEW."isValidated", NEW."validatedBy", NEW."validatedAt")
                    IS NOT DISTINCT FROM
                    (OLD."isValidated", OLD."validatedBy", OLD."validatedAt")) THEN
            RETURN NEW;
        END IF;
        RAISE EXCEPTION 'snapshot % is immutable', OLD."id"
            USING ERRCODE = 'restrict_violation',
                  HINT = 'make a new snapshot; before it is locked its files may be set, and it may be validated';
    END IF;
    RAISE EXCEPTION 'snapshots are never deleted'
        USING ERRCODE = 'restrict_violation';
END
$$;

CREATE TRIGGER "Snapshot_immutable" BEFORE UPDATE OR DELETE ON "Snapshot"
    FOR EACH ROW EXECUTE FUNCTION snapshot_immutable();
CREATE TRIGGER "Snapshot_never_emptied" BEFORE TRUNCATE ON "Snapshot"
    FOR EACH STATEMENT EXECUTE FUNCTION snapshot_immutable();

-- AddForeignKey
ALTER TABLE "Product" ADD CONSTRAINT "Product_brandId_fkey" FOREIGN KEY ("brandId") REFERENCES "Brand"(id) ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "User" ADD CONSTRAINT "User_brandId_fkey" FOREIGN KEY ("brandId") REFERENCES "Brand"(id) ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Design" ADD CONSTRAINT "Design_userId_fkey" FOREIGN KEY ("userId") REFERENCES "User"(id) ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Design" ADD CONSTRAINT "Design_brandId_fkey" FOREIGN KEY ("brandId") REFERENCES "Brand"(id) ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Design" ADD CONSTRAINT "Design_productId_fkey" FOREIGN KEY ("productId") REFERENCES "Product"(id) ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Design" ADD CONSTRAINT "Design_specId_fkey" FOREIGN KEY ("specId") REFERENCES "DesignSpec"(id) ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Order" ADD CONSTRAINT "Order_userId_fkey" FOREIGN KEY ("userId") REFERENCES "User"(id) ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Order" ADD CONSTRAINT "Order_brandId_fkey" FOREIGN KEY ("brandId") REFERENCES "Brand"(id) ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Order" ADD CONSTRAINT "Order_designId_fkey" FOREIGN KEY ("designId") REFERENCES "Design"(id) ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Order" ADD CONSTRAINT "Order_productId_fkey" FOREIGN KEY ("productId") REFERENCES "Product"(id) ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Zone" ADD CONSTRAINT "Zone_productId_fkey" FOREIGN KEY ("productId") REFERENCES "Product"(id) ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Customization" ADD CONSTRAINT "Customization_zoneId_fkey" FOREIGN KEY ("zoneId") REFERENCES "Zone"(id) ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Customization" ADD CONSTRAINT "Customization_productId_fkey" FOREIGN KEY ("productId") REFERENCES "Product"(id) ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Customization" ADD CONSTRAINT "Customization_userId_fkey" FOREIGN KEY ("userId") REFERENCES "User"(id) ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Customization" ADD CONSTRAINT "Customization_brandId_fkey" FOREIGN KEY ("brandId") REFERENCES "Brand"(id) ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Customization" ADD CONSTRAINT "Customization_designId_fkey" FOREIGN KEY ("designId") REFERENCES "Design"(id) ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Customization" ADD CONSTRAINT "Customization_orderId_fkey" FOREIGN KEY ("orderId") REFERENCES "Order"(id) ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Customization" ADD CONSTRAINT "Customization_snapshotId_fkey" FOREIGN KEY ("snapshotId") REFERENCES "Snapshot"(id) ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "RenderResult" ADD CONSTRAINT "RenderResult_snapshotId_fkey" FOREIGN KEY ("snapshotId") REFERENCES "Snapshot"(id) ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "RenderResult" ADD CONSTRAINT "RenderResult_designId_fkey" FOREIGN KEY ("designId") REFERENCES "Design"(id) ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "RenderResult" ADD CONSTRAINT "RenderResult_customizationId_fkey" FOREIGN KEY ("customizationId") REFERENCES "Customization"(id) ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Artisan" ADD CONSTRAINT "Artisan_userId_fkey" FOREIGN KEY ("userId") REFERENCES "User"(id) ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Quote" ADD CONSTRAINT "Quote_artisanId_fkey" FOREIGN KEY ("artisanId") REFERENCES "Artisan"(id) ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Quote" ADD CONSTRAINT "Quote_orderId_fkey" FOREIGN KEY ("orderId") REFERENCES "Order"(id) ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "WorkOrder" ADD CONSTRAINT "WorkOrder_orderId_fkey" FOREIGN KEY ("orderId") REFERENCES "Order"(id) ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "WorkOrder" ADD CONSTRAINT "WorkOrder_artisanId_fkey" FOREIGN KEY ("artisanId") REFERENCES "Artisan"(id) ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "WorkOrder" ADD CONSTRAINT "WorkOrder_quoteId_fkey" FOREIGN KEY ("quoteId") REFERENCES "Quote"(id) ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "WorkOrder" ADD CONSTRAINT "WorkOrder_snapshotId_fkey" FOREIGN KEY ("snapshotId") REFERENCES "Snapshot"(id) ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "SLARecord" ADD CONSTRAINT "SLARecord_artisanId_fkey" FOREIGN KEY ("artisanId") REFERENCES "Artisan"(id) ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "SLARecord" ADD CONSTRAINT "SLARecord_workOrderId_fkey" FOREIGN KEY ("workOrderId") REFERENCES "WorkOrder"(id) ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Asset" ADD CONSTRAINT "Asset_designId_fkey" FOREIGN KEY ("designId") REFERENCES "Design"(id) ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "ProductMapping" ADD CONSTRAINT "ProductMapping_productId_fkey" FOREIGN KEY ("productId") REFERENCES "Product"(id) ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "ProductMapping" ADD CONSTRAINT "ProductMapping_brandId_fkey" FOREIGN KEY ("brandId") REFERENCES "Brand"(id) ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Webhook" ADD CONSTRAINT "Webhook_brandId_fkey" FOREIGN KEY ("brandId") REFERENCES "Brand"(id) ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "DesignSpec" ADD CONSTRAINT "DesignSpec_productId_fkey" FOREIGN KEY ("productId") REFERENCES "Product"(id) ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Snapshot" ADD CONSTRAINT "Snapshot_specId_specHash_fkey" FOREIGN KEY ("specId", "specHash") REFERENCES "DesignSpec"(id, "specHash") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "OrderItem" ADD CONSTRAINT "OrderItem_orderId_fkey" FOREIGN KEY ("orderId") REFERENCES "Order"(id) ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "OrderItem" ADD CONSTRAINT "OrderItem_productId_fkey" FOREIGN KEY ("productId") REFERENCES "Product"(id) ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "OrderItem" ADD CONSTRAINT "OrderItem_designId_fkey" FOREIGN KEY ("designId") REFERENCES "Design"(id) ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "OrderItem" ADD CONSTRAINT "OrderItem_snapshotId_fkey" FOREIGN KEY ("snapshotId") REFERENCES "Snapshot"(id) ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "OrderWithoutItem" ADD CONSTRAINT "OrderWithoutItem_orderId_fkey" FOREIGN KEY ("orderId") REFERENCES "Order"(id) ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "ClientSettings" ADD CONSTRAINT "ClientSettings_brandId_fkey" FOREIGN KEY ("brandId") REFERENCES "Brand"(id) ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "CustomizationZone" ADD CONSTRAINT "CustomizationZone_productId_fkey" FOREIGN KEY ("productId") REFERENCES "Product"(id) ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Template" ADD CONSTRAINT "Template_brandId_fkey" FOREIGN KEY ("brandId") REFERENCES "Brand"(id) ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Template" ADD CONSTRAINT "Template_productId_fkey" FOREIGN KEY ("productId") REFERENCES "Product"(id) ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Generation" ADD CONSTRAINT "Generation_brandId_fkey" FOREIGN KEY ("brandId") REFERENCES "Brand"(id) ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Generation" ADD CONSTRAINT "Generation_productId_fkey" FOREIGN KEY ("productId") REFERENCES "Product"(id) ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Generation" ADD CONSTRAINT "Generation_templateId_fkey" FOREIGN KEY ("templateId") REFERENCES "Template"(id) ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Invoice" ADD CONSTRAINT "Invoice_brandId_fkey" FOREIGN KEY ("brandId") REFERENCES "Brand"(id) ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "UsageRecord" ADD CONSTRAINT "UsageRecord_brandId_fkey" FOREIGN KEY ("brandId") REFERENCES "Brand"(id) ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "UsageRecord" ADD CONSTRAINT "UsageRecord_generationId_fkey" FOREIGN KEY ("generationId") REFERENCES "Generation"(id) ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "WebhookDelivery" ADD CONSTRAINT "WebhookDelivery_webhookId_fkey" FOREIGN KEY ("webhookId") REFERENCES "Webhook"(id) ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "WebhookTopic" ADD CONSTRAINT "WebhookTopic_webhookId_fkey" FOREIGN KEY ("webhookId") REFERENCES "Webhook"(id) ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "WebhookLog" ADD CONSTRAINT "WebhookLog_webhookId_fkey" FOREIGN KEY ("webhookId") REFERENCES "Webhook"(id) ON DELETE CASCADE ON UPDATE CASCADE;
