-- Change 1, second part: one item for each order, priced at the order's subtotal. The first item of an
-- order has the order's own key, so that this may be run again and nothing comes twice.
INSERT INTO "OrderItem" ("id", "orderId", "productId", "designId", "quantity", "priceCents",
                         "totalCents", "createdAt", "updatedAt")
SELECT o."id", o."id", o."productId", o."designId", 1, o."subtotalCents", o."subtotalCents",
       o."createdAt", o."createdAt"
FROM "Order" o
WHERE o."productId" IS NOT NULL
ON CONFLICT ("id") DO NOTHING;

-- An order without product can have no item. It stays, and is named here.
INSERT INTO "OrderWithoutItem" ("orderId", "designId", "subtotalCents", "reason")
SELECT o."id", o."designId", o."subtotalCents",
       CASE WHEN o."designId" IS NULL THEN 'no product, no design' ELSE 'no product' END
FROM "Order" o
WHERE o."productId" IS NULL
ON CONFLICT ("orderId") DO NOTHING;

-- The loose text of a render, where it is the key of a design or of a customisation.
UPDATE "RenderResult" r SET "designId" = d."id" FROM "Design" d WHERE d."id" = r."renderId";
UPDATE "RenderResult" r SET "customizationId" = c."id" FROM "Customization" c WHERE c."id" = r."renderId";
