-- Change 2, third part: products that were made since have no slug yet, if the application does not know
-- of slugs. Nobody may write the table until the commit; readers go on.
LOCK TABLE "Product" IN SHARE ROW EXCLUSIVE MODE;

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

ALTER TABLE "Product" ALTER COLUMN "slug" SET NOT NULL;
