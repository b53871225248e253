-- One table again: each call and each topic is a row of "Webhook", as it was. A subscription made since that
-- has neither becomes a row, too. V1 has no word for a subscription that is switched off, nor for a secret
-- of its own.
LOCK TABLE "Webhook", "WebhookDelivery", "WebhookTopic", "WebhookLog", "WebhookLogArchive"
    IN SHARE ROW EXCLUSIVE MODE;

-- `repot migrate rollback` counts for itself, and keeps what it is told to give up.
DO $$
DECLARE
    held TEXT;
BEGIN
    SELECT string_agg(s."url", ', ' ORDER BY s."url")
    INTO held
    FROM "Webhook" s
    JOIN "Brand" b ON b."id" = s."brandId"
    WHERE NOT s."isActive"
       OR (s."secret" IS NOT NULL
           AND (s."secret" IS DISTINCT FROM b."webhookSecret" OR s."url" IS DISTINCT FROM b."webhookUrl"));
    IF held IS NOT NULL AND current_setting('application_name') <> 'repot migrate rollback' THEN
        RAISE EXCEPTION 'subscriptions that V1 has no words for would be lost: %', held
            USING ERRCODE = 'restrict_violation', HINT = 'nothing was changed';
    END IF;
END
$$;

CREATE TEMPORARY TABLE webhook_row ON COMMIT DROP AS
SELECT d."id", s."url", d."createdAt", s."brandId", d."event", d."payload", d."statusCode", d."success",
       d."error", d."idempotencyKey", d."timestamp"
FROM "WebhookDelivery" d
JOIN "Webhook" s ON s."id" = d."webhookId"
UNION ALL
SELECT t."id", s."url", t."createdAt", s."brandId", t."event", '{}'::JSONB, NULL, false, NULL, NULL, NULL
FROM "WebhookTopic" t
JOIN "Webhook" s ON s."id" = t."webhookId"
UNION ALL
SELECT s."id", s."url", s."createdAt", s."brandId",
       coalesce(lower(replace(s."events"[1]::TEXT, '_', '.')), ''), '{}'::JSONB, NULL, false, NULL, NULL, NULL
FROM "Webhook" s
WHERE NOT EXISTS (SELECT FROM "WebhookDelivery" d WHERE d."webhookId" = s."id")
  AND NOT EXISTS (SELECT FROM "WebhookTopic" t WHERE t."webhookId" = s."id");
ALTER TABLE webhook_row ADD PRIMARY KEY ("id");

-- The logs: what came in since is told as far as V1 has words for it.
INSERT INTO "WebhookLogArchive" ("id", "webhookId", "topic", "shopDomain", "payload", "status",
                                 "processedAt", "createdAt")
SELECT l."id", l."webhookId", l."event", '', coalesce(l."response", '{}'), coalesce(l."error", 'processed'),
       l."createdAt" + l."duration" * interval '1 millisecond', l."createdAt"
FROM "WebhookLog" l
WHERE NOT EXISTS (SELECT FROM "WebhookLogArchive" a WHERE a."id" = l."id");
DROP TABLE "WebhookLog";
COMMENT ON TABLE "WebhookLogArchive" IS NULL;
ALTER TABLE "WebhookLogArchive" DROP COLUMN "orphan";
ALTER INDEX "WebhookLogArchive_webhookId_idx" RENAME TO "WebhookLog_webhookId_idx";
ALTER TABLE "WebhookLogArchive" RENAME CONSTRAINT "WebhookLogArchive_pkey" TO "WebhookLog_pkey";
ALTER TABLE "WebhookLogArchive" RENAME TO "WebhookLog";

-- The rows: the subscription becomes the row that gave it its key, the others come back beside it.
DROP TABLE "WebhookTopic";
DROP TABLE "WebhookDelivery";
DROP INDEX "Webhook_brandId_url_key";
ALTER TABLE "Webhook" DROP COLUMN "updatedAt",
    DROP COLUMN "lastStatusCode",
    DROP COLUMN "lastCalledAt",
    DROP COLUMN "failureCount",
    DROP COLUMN "isActive",
    DROP COLUMN "events",
    DROP COLUMN "secret",
    DROP COLUMN "name",
    ADD COLUMN "event" TEXT,
    ADD COLUMN "payload" JSONB,
    ADD COLUMN "statusCode" INTEGER,
    ADD COLUMN "success" BOOLEAN NOT NULL DEFAULT false,
    ADD COLUMN "error" TEXT,
    ADD COLUMN "idempotencyKey" TEXT,
    ADD COLUMN "timestamp" TIMESTAMP(3);
DELETE FROM "Webhook" w WHERE NOT EXISTS (SELECT FROM webhook_row r WHERE r."id" = w."id");
INSERT INTO "Webhook" ("id", "url", "createdAt", "brandId", "event", "payload", "statusCode", "success",
                       "error", "idempotencyKey", "timestamp")
SELECT r."id", r."url", r."createdAt", r."brandId", r."event", r."payload", r."statusCode", r."success",
       r."error", r."idempotencyKey", r."timestamp"
FROM webhook_row r
ON CONFLICT ("id") DO UPDATE SET
    "createdAt" = excluded."createdAt", "event" = excluded."event", "payload" = excluded."payload",
    "statusCode" = excluded."statusCode", "success" = excluded."success", "error" = excluded."error",
    "idempotencyKey" = excluded."idempotencyKey", "timestamp" = excluded."timestamp";
ALTER TABLE "Webhook" ALTER COLUMN "event" SET NOT NULL,
    ALTER COLUMN "payload" SET NOT NULL;
CREATE UNIQUE INDEX "Webhook_idempotencyKey_key" ON "Webhook"("idempotencyKey");
CREATE INDEX "Webhook_brandId_idx" ON "Webhook"("brandId");
