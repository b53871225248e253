-- V1 knows one product and one design an order, once, at the order's subtotal. First, orders that would lose
-- something: several items, a quantity, a snapshot, a note, another price or product than the order's own.
-- They are named, and nothing is changed.
CREATE TEMPORARY TABLE order_item_loss ON COMMIT DROP AS
SELECT o."id", o."orderNumber",
       concat_ws(', ',
           CASE WHEN count(*) > 1 THEN count(*) || ' items' END,
           CASE WHEN max(i."quantity") > 1 THEN 'quantity ' || max(i."quantity") END,
           CASE WHEN bool_or(i."snapshotId" IS NOT NULL) THEN 'a snapshot' END,
           CASE WHEN bool_or(i."metadata" IS NOT NULL) THEN 'metadata' END,
           CASE WHEN sum(i."totalCents"::BIGINT) <> o."subtotalCents" THEN 'a price that is not the subtotal' END,
           CASE WHEN bool_or(o."productId" IS NOT NULL AND i."productId" <> o."productId") THEN 'another product' END,
           CASE WHEN bool_or(o."designId" IS NOT NULL AND i."designId" IS DISTINCT FROM o."designId") THEN 'another design' END
       ) AS loss
FROM "Order" o
JOIN "OrderItem" i ON i."orderId" = o."id"
GROUP BY o."id";

-- `repot migrate rollback` counts for itself, and keeps what it is told to give up.
DO $$
DECLARE
    lost BIGINT;
    orders TEXT;
BEGIN
    SELECT count(*), string_agg(format('%s (%s)', t."orderNumber", t.loss), '; ' ORDER BY t."orderNumber")
    INTO lost, orders
    FROM order_item_loss t
    WHERE t.loss <> '';
    IF lost > 0 AND current_setting('application_name') <> 'repot migrate rollback' THEN
        RAISE EXCEPTION '% orders would lose items', lost
            USING ERRCODE = 'restrict_violation', DETAIL = orders,
                  HINT = 'V1 has no place for them; nothing was changed';
    END IF;
END
$$;

-- Orders made since name their product in the item alone: it goes back to where V1 looks for it.
UPDATE "Order" o SET "productId" = coalesce(o."productId", i."productId"),
                     "designId" = coalesce(o."designId", i."designId")
FROM "OrderItem" i, order_item_loss t
WHERE i."orderId" = o."id" AND t."id" = o."id" AND t.loss = ''
  AND (o."productId" IS NULL OR o."designId" IS NULL);

-- What the orders say themselves now. Nothing else is deleted.
DELETE FROM "OrderItem" i USING order_item_loss t WHERE t."id" = i."orderId" AND t.loss = '';
DELETE FROM "OrderWithoutItem";
