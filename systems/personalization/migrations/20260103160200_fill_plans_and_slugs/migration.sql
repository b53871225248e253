-- Change 2, second part: what the new columns say of the rows that are there. No updatedAt changes: nobody
-- edited anything.

-- The plan was free text. A word that no plan has gives no right: FREE.
UPDATE "Brand" SET
    "subscriptionPlan" = CASE lower(btrim("plan"))
        WHEN 'starter' THEN 'STARTER'
        WHEN 'pro' THEN 'PROFESSIONAL'
        WHEN 'professional' THEN 'PROFESSIONAL'
        WHEN 'enterprise' THEN 'ENTERPRISE'
        WHEN 'entreprise' THEN 'ENTERPRISE'
        ELSE 'FREE'
    END::"SubscriptionPlan",
    "subscriptionStatus" = CASE "status"
        WHEN 'ACTIVE' THEN 'ACTIVE'
        WHEN 'PENDING_VERIFICATION' THEN 'TRIALING'
        WHEN 'SUSPENDED' THEN 'PAST_DUE'
        ELSE 'CANCELED'
    END::"SubscriptionStatus";

UPDATE "Product" SET
    "status" = CASE
        WHEN NOT "isActive" THEN 'ARCHIVED'
        WHEN "isPublic" THEN 'ACTIVE'
        ELSE 'DRAFT'
    END::"ProductStatus";

-- Unique within the brand: of those that come to the same, the oldest takes it plain, the others the
-- smallest free numbers from 2 on. A name that leaves nothing is "product".
WITH based AS (
    SELECT p."id", p."brandId", p."createdAt",
           coalesce(nullif(rtrim(left(slugify(p."name"), 72), '-'), ''), 'product') AS base
    FROM "Product" p
    WHERE p."slug" IS NULL
),
placed AS (
    SELECT b.*,
           row_number() OVER (PARTITION BY b."brandId", b.base
                              ORDER BY b."createdAt", b."id" COLLATE "C") AS place,
           EXISTS (SELECT FROM "Product" p WHERE p."brandId" = b."brandId" AND p."slug" = b.base) AS used
    FROM based b
),
plain AS (
    SELECT "id", "brandId", base AS slug FROM placed WHERE place = 1 AND NOT used
),
numbered AS (
    SELECT "id", "brandId", base, place - CASE WHEN used THEN 0 ELSE 1 END AS turn
    FROM placed
    WHERE place > 1 OR used
),
given AS (
    SELECT "brandId", "slug" FROM "Product" WHERE "slug" IS NOT NULL
    UNION ALL
    SELECT "brandId", slug FROM plain
),
-- Of each base, as many numbers from 2 on as there are rows and given slugs that begin alike: enough.
free AS (
    SELECT g."brandId", g.base, n.number,
           row_number() OVER (PARTITION BY g."brandId", g.base ORDER BY n.number) AS turn
    FROM (
        SELECT "brandId", base,
               max(turn) + (SELECT count(*) FROM given v
                            WHERE v."brandId" = m."brandId" AND starts_with(v."slug", m.base || '-')) AS many
        FROM numbered m
        GROUP BY "brandId", base
    ) g
    CROSS JOIN LATERAL generate_series(2, g.many + 1) AS n(number)
    WHERE NOT EXISTS (SELECT FROM given v
                      WHERE v."brandId" = g."brandId" AND v."slug" = g.base || '-' || n.number)
)
UPDATE "Product" p
SET "slug" = s.slug
FROM (
    SELECT "id", slug FROM plain
    UNION ALL
    SELECT m."id", m.base || '-' || f.number
    FROM numbered m
    JOIN free f ON f."brandId" = m."brandId" AND f.base = m.base AND f.turn = m.turn
) s
WHERE s."id" = p."id";
