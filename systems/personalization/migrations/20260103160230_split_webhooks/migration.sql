-- Change 2, fourth part: "Webhook" was the subscription and each of its calls at once. One subscription
-- stays for each address of a brand; calls and topics get tables of their own. In one transaction, for
-- nobody may write a row of the old kind meanwhile.
LOCK TABLE "Webhook", "WebhookLog" IN SHARE ROW EXCLUSIVE MODE;

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

    CONSTRAINT "WebhookDelivery_pkey" PRIMARY KEY ("id")
);
COMMENT ON TABLE "WebhookDelivery" IS 'A call that was made';

-- CreateTable
CREATE TABLE "WebhookTopic" (
    "id" TEXT NOT NULL,
    "webhookId" TEXT NOT NULL,
    "event" TEXT NOT NULL,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "WebhookTopic_pkey" PRIMARY KEY ("id")
);
COMMENT ON TABLE "WebhookTopic" IS 'What a subscription asked for in its own words, before there was WebhookEvent';

-- Which rows are the same subscription: the first of an address (by date, then key) gives its key.
CREATE TEMPORARY TABLE webhook_first ON COMMIT DROP AS
SELECT w."id",
       first_value(w."id") OVER (PARTITION BY w."brandId", w."url"
                                 ORDER BY w."createdAt", w."id" COLLATE "C") AS first,
       NOT w."success" AND w."statusCode" IS NULL AND w."error" IS NULL AND w."timestamp" IS NULL
           AND w."idempotencyKey" IS NULL AND w."payload" = '{}' AS uncalled
FROM "Webhook" w;
ALTER TABLE webhook_first ADD PRIMARY KEY ("id");

INSERT INTO "WebhookDelivery" ("id", "webhookId", "event", "payload", "statusCode", "success", "error",
                               "idempotencyKey", "timestamp", "createdAt")
SELECT w."id", f.first, w."event", w."payload", w."statusCode", w."success", w."error",
       w."idempotencyKey", w."timestamp", w."createdAt"
FROM "Webhook" w
JOIN webhook_first f ON f."id" = w."id"
WHERE NOT f.uncalled;

INSERT INTO "WebhookTopic" ("id", "webhookId", "event", "createdAt")
SELECT w."id", f.first, w."event", w."createdAt"
FROM "Webhook" w
JOIN webhook_first f ON f."id" = w."id"
WHERE f.uncalled;

-- AlterTable
ALTER TABLE "Webhook" ADD COLUMN "name" TEXT,
    ADD COLUMN "secret" TEXT,
    ADD COLUMN "events" "WebhookEvent"[] NOT NULL DEFAULT ARRAY[]::"WebhookEvent"[],
    ADD COLUMN "isActive" BOOLEAN NOT NULL DEFAULT true,
    ADD COLUMN "failureCount" INTEGER NOT NULL DEFAULT 0,
    ADD COLUMN "lastCalledAt" TIMESTAMP(3),
    ADD COLUMN "lastStatusCode" INTEGER,
    ADD COLUMN "updatedAt" TIMESTAMP(3);

-- What the subscription is: named after its host; with the brand's secret where it is the brand's own
-- address; asking for those of its events that WebhookEvent knows.
UPDATE "Webhook" s SET
    "createdAt" = g."createdAt",
    "name" = coalesce(substring(s."url" FROM '://([^/:?#]+)'), s."url"),
    "secret" = (SELECT b."webhookSecret" FROM "Brand" b WHERE b."id" = s."brandId" AND b."webhookUrl" = s."url"),
    "events" = g.events,
    "failureCount" = g.failures,
    "lastCalledAt" = g.called,
    "lastStatusCode" = g.code,
    "updatedAt" = g.updated
FROM (
    SELECT f.first,
           min(w."createdAt") AS "createdAt",
           coalesce(array_agg(DISTINCT e.known ORDER BY e.known) FILTER (WHERE e.known IS NOT NULL),
                    ARRAY[]::"WebhookEvent"[]) AS events,
           count(*) FILTER (WHERE NOT f.uncalled AND NOT w."success") AS failures,
           max(w."timestamp") AS called,
           (array_agg(w."statusCode" ORDER BY w."timestamp" DESC, w."id" COLLATE "C" DESC)
                FILTER (WHERE w."timestamp" IS NOT NULL AND w."statusCode" IS NOT NULL))[1] AS code,
           max(coalesce(w."timestamp", w."createdAt")) AS updated
    FROM "Webhook" w
    JOIN webhook_first f ON f."id" = w."id"
    CROSS JOIN LATERAL (SELECT CASE upper(replace(w."event", '.', '_'))
        WHEN 'GENERATION_STARTED' THEN 'GENERATION_STARTED'
        WHEN 'GENERATION_COMPLETED' THEN 'GENERATION_COMPLETED'
        WHEN 'GENERATION_FAILED' THEN 'GENERATION_FAILED'
        WHEN 'AR_VIEW' THEN 'AR_VIEW'
    END::"WebhookEvent" AS known) e
    GROUP BY f.first
) g
WHERE g.first = s."id";

-- The logs. What came in stays as it came, whole, under another name; "WebhookLog" begins anew with
-- what is told of webhooks that are there. Lines of no webhook are marked.
ALTER TABLE "WebhookLog" RENAME TO "WebhookLogArchive";
ALTER TABLE "WebhookLogArchive" RENAME CONSTRAINT "WebhookLog_pkey" TO "WebhookLogArchive_pkey";
ALTER INDEX "WebhookLog_webhookId_idx" RENAME TO "WebhookLogArchive_webhookId_idx";
ALTER TABLE "WebhookLogArchive" ADD COLUMN "orphan" BOOLEAN NOT NULL DEFAULT false;
COMMENT ON TABLE "WebhookLogArchive" IS 'What came in before the logs were simplified; webhookId is a row of the old Webhook';
UPDATE "WebhookLogArchive" l SET "orphan" = true
WHERE NOT EXISTS (SELECT FROM webhook_first f WHERE f."id" = l."webhookId");

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

    CONSTRAINT "WebhookLog_pkey" PRIMARY KEY ("id")
);
COMMENT ON COLUMN "WebhookLog"."duration" IS 'milliseconds';

INSERT INTO "WebhookLog" ("id", "webhookId", "event", "error", "duration", "createdAt")
SELECT l."id", f.first, l."topic",
       CASE WHEN lower(l."status") LIKE 'failed%' THEN l."status" END,
       round(extract(epoch FROM l."processedAt" - l."createdAt") * 1000)::INTEGER,
       l."createdAt"
FROM "WebhookLogArchive" l
JOIN webhook_first f ON f."id" = l."webhookId";

-- All that the rows held is in "WebhookDelivery" or "WebhookTopic" now; the first row of each address
-- stays as the subscription.
DELETE FROM "Webhook" w USING webhook_first f WHERE f."id" = w."id" AND f."id" <> f.first;

-- AlterTable
ALTER TABLE "Webhook" DROP COLUMN "event",
    DROP COLUMN "payload",
    DROP COLUMN "statusCode",
    DROP COLUMN "success",
    DROP COLUMN "error",
    DROP COLUMN "idempotencyKey",
    DROP COLUMN "timestamp",
    ALTER COLUMN "name" SET NOT NULL,
    ALTER COLUMN "updatedAt" SET NOT NULL;

-- DropIndex: the next one begins with the same column
DROP INDEX "Webhook_brandId_idx";

-- CreateIndex
CREATE UNIQUE INDEX "Webhook_brandId_url_key" ON "Webhook"("brandId", "url");

-- CreateIndex
CREATE UNIQUE INDEX "WebhookDelivery_idempotencyKey_key" ON "WebhookDelivery"("idempotencyKey");

-- CreateIndex
CREATE INDEX "WebhookDelivery_webhookId_createdAt_idx" ON "WebhookDelivery"("webhookId", "createdAt");

-- CreateIndex
CREATE INDEX "WebhookTopic_webhookId_idx" ON "WebhookTopic"("webhookId");

-- CreateIndex
CREATE INDEX "WebhookLog_webhookId_createdAt_idx" ON "WebhookLog"("webhookId", "createdAt");

-- AddForeignKey
ALTER TABLE "WebhookDelivery" ADD CONSTRAINT "WebhookDelivery_webhookId_fkey" FOREIGN KEY ("webhookId") REFERENCES "Webhook"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "WebhookTopic" ADD CONSTRAINT "WebhookTopic_webhookId_fkey" FOREIGN KEY ("webhookId") REFERENCES "Webhook"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "WebhookLog" ADD CONSTRAINT "WebhookLog_webhookId_fkey" FOREIGN KEY ("webhookId") REFERENCES "Webhook"("id") ON DELETE CASCADE ON UPDATE CASCADE;
