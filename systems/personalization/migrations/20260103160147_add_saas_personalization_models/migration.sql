-- Change 2, first part: everything that is new. Columns with a constant default rewrite no table; the
-- slug is nullable until the files that follow have filled it.

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

-- AlterTable
ALTER TABLE "Brand" ADD COLUMN "arEnabled" BOOLEAN NOT NULL DEFAULT false,
    ADD COLUMN "deletedAt" TIMESTAMP(3),
    ADD COLUMN "maxMonthlyGenerations" INTEGER NOT NULL DEFAULT 100,
    ADD COLUMN "maxProducts" INTEGER NOT NULL DEFAULT 5,
    ADD COLUMN "monthlyGenerations" INTEGER NOT NULL DEFAULT 0,
    ADD COLUMN "subscriptionPlan" "SubscriptionPlan" NOT NULL DEFAULT 'FREE',
    ADD COLUMN "subscriptionStatus" "SubscriptionStatus" NOT NULL DEFAULT 'TRIALING',
    ADD COLUMN "trialEndsAt" TIMESTAMP(3),
    ADD COLUMN "whiteLabel" BOOLEAN NOT NULL DEFAULT false;
COMMENT ON COLUMN "Brand"."plan" IS 'Deprecated: see subscriptionPlan';

-- AlterTable
ALTER TABLE "Product" ADD COLUMN "slug" TEXT,
    ADD COLUMN "status" "ProductStatus" NOT NULL DEFAULT 'DRAFT',
    ADD COLUMN "category" TEXT,
    ADD COLUMN "tags" TEXT[] NOT NULL DEFAULT ARRAY[]::TEXT[],
    ADD COLUMN "thumbnailUrl" TEXT,
    ADD COLUMN "baseImageUrl" TEXT,
    ADD COLUMN "maskImageUrl" TEXT,
    ADD COLUMN "arEnabled" BOOLEAN NOT NULL DEFAULT false,
    ADD COLUMN "arModelUrl" TEXT,
    ADD COLUMN "arScale" DOUBLE PRECISION NOT NULL DEFAULT 1,
    ADD COLUMN "aiProvider" TEXT NOT NULL DEFAULT 'openai',
    ADD COLUMN "generationQuality" TEXT NOT NULL DEFAULT 'standard',
    ADD COLUMN "outputFormat" TEXT NOT NULL DEFAULT 'png',
    ADD COLUMN "outputWidth" INTEGER NOT NULL DEFAULT 1024,
    ADD COLUMN "outputHeight" INTEGER NOT NULL DEFAULT 1024,
    ADD COLUMN "promptTemplate" TEXT,
    ADD COLUMN "negativePrompt" TEXT,
    ADD COLUMN "publishedAt" TIMESTAMP(3),
    ADD COLUMN "deletedAt" TIMESTAMP(3);

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

    CONSTRAINT "ClientSettings_pkey" PRIMARY KEY ("id")
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

    CONSTRAINT "CustomizationZone_pkey" PRIMARY KEY ("id")
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

    CONSTRAINT "Template_pkey" PRIMARY KEY ("id")
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

    CONSTRAINT "Generation_pkey" PRIMARY KEY ("id")
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

    CONSTRAINT "Invoice_pkey" PRIMARY KEY ("id"),
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

    CONSTRAINT "UsageRecord_pkey" PRIMARY KEY ("id")
);

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
CREATE UNIQUE INDEX "Invoice_number_key" ON "Invoice"("number");

-- CreateIndex
CREATE UNIQUE INDEX "Invoice_stripeInvoiceId_key" ON "Invoice"("stripeInvoiceId");

-- CreateIndex
CREATE INDEX "Invoice_brandId_idx" ON "Invoice"("brandId");

-- CreateIndex
CREATE INDEX "UsageRecord_brandId_metric_recordedAt_idx" ON "UsageRecord"("brandId", "metric", "recordedAt");

-- AddForeignKey
ALTER TABLE "ClientSettings" ADD CONSTRAINT "ClientSettings_brandId_fkey" FOREIGN KEY ("brandId") REFERENCES "Brand"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "CustomizationZone" ADD CONSTRAINT "CustomizationZone_productId_fkey" FOREIGN KEY ("productId") REFERENCES "Product"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Template" ADD CONSTRAINT "Template_brandId_fkey" FOREIGN KEY ("brandId") REFERENCES "Brand"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Template" ADD CONSTRAINT "Template_productId_fkey" FOREIGN KEY ("productId") REFERENCES "Product"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Generation" ADD CONSTRAINT "Generation_brandId_fkey" FOREIGN KEY ("brandId") REFERENCES "Brand"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Generation" ADD CONSTRAINT "Generation_productId_fkey" FOREIGN KEY ("productId") REFERENCES "Product"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Generation" ADD CONSTRAINT "Generation_templateId_fkey" FOREIGN KEY ("templateId") REFERENCES "Template"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Invoice" ADD CONSTRAINT "Invoice_brandId_fkey" FOREIGN KEY ("brandId") REFERENCES "Brand"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "UsageRecord" ADD CONSTRAINT "UsageRecord_brandId_fkey" FOREIGN KEY ("brandId") REFERENCES "Brand"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "UsageRecord" ADD CONSTRAINT "UsageRecord_generationId_fkey" FOREIGN KEY ("generationId") REFERENCES "Generation"("id") ON DELETE SET NULL ON UPDATE CASCADE;
