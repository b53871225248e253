-- Change 1, first part: everything that is new, beside what is there. No table is read or rewritten:
-- the new columns are nullable, and the foreign keys of full tables are NOT VALID until
-- 20251120100200 looks at the rows without stopping writers.

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

    CONSTRAINT "DesignSpec_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "DesignSpec_specHash_check" CHECK ("specHash" = spec_hash("spec"))
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

    CONSTRAINT "Snapshot_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "Snapshot_specHash_check" CHECK ("specHash" = spec_hash("spec")),
    CONSTRAINT "Snapshot_validated_check" CHECK ("isValidated" = ("validatedAt" IS NOT NULL)),
    CONSTRAINT "Snapshot_locked_check" CHECK ("isLocked" = ("lockedAt" IS NOT NULL))
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

    CONSTRAINT "OrderItem_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "OrderItem_quantity_check" CHECK ("quantity" > 0),
    CONSTRAINT "OrderItem_totalCents_check" CHECK ("totalCents" = "priceCents"::BIGINT * "quantity")
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

-- AlterTable
ALTER TABLE "Design" ADD COLUMN "specId" TEXT;

-- AlterTable
ALTER TABLE "Customization" ADD COLUMN "snapshotId" TEXT;

-- AlterTable
ALTER TABLE "RenderResult" ADD COLUMN "snapshotId" TEXT,
    ADD COLUMN "designId" TEXT,
    ADD COLUMN "customizationId" TEXT;

-- AlterTable
ALTER TABLE "WorkOrder" ADD COLUMN "snapshotId" TEXT;

COMMENT ON COLUMN "Order"."designId" IS 'Deprecated: see OrderItem';
COMMENT ON COLUMN "Order"."productId" IS 'Deprecated: see OrderItem';

-- CreateIndex
CREATE UNIQUE INDEX "DesignSpec_specHash_key" ON "DesignSpec"("specHash");

-- CreateIndex
CREATE UNIQUE INDEX "DesignSpec_id_specHash_key" ON "DesignSpec"("id", "specHash");

-- CreateIndex
CREATE INDEX "DesignSpec_productId_idx" ON "DesignSpec"("productId");

-- CreateIndex
CREATE INDEX "Snapshot_specId_idx" ON "Snapshot"("specId");

-- One validated snapshot per hash; of the others as many as there are attempts.
CREATE UNIQUE INDEX "Snapshot_specHash_validated_key" ON "Snapshot"("specHash") WHERE "isValidated";

-- CreateIndex
CREATE INDEX "OrderItem_orderId_idx" ON "OrderItem"("orderId");

-- CreateIndex
CREATE INDEX "OrderItem_productId_idx" ON "OrderItem"("productId");

-- AddForeignKey
ALTER TABLE "DesignSpec" ADD CONSTRAINT "DesignSpec_productId_fkey" FOREIGN KEY ("productId") REFERENCES "Product"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey: the hash is that of the specification
ALTER TABLE "Snapshot" ADD CONSTRAINT "Snapshot_specId_specHash_fkey" FOREIGN KEY ("specId", "specHash") REFERENCES "DesignSpec"("id", "specHash") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "OrderItem" ADD CONSTRAINT "OrderItem_orderId_fkey" FOREIGN KEY ("orderId") REFERENCES "Order"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "OrderItem" ADD CONSTRAINT "OrderItem_productId_fkey" FOREIGN KEY ("productId") REFERENCES "Product"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "OrderItem" ADD CONSTRAINT "OrderItem_designId_fkey" FOREIGN KEY ("designId") REFERENCES "Design"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "OrderItem" ADD CONSTRAINT "OrderItem_snapshotId_fkey" FOREIGN KEY ("snapshotId") REFERENCES "Snapshot"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "OrderWithoutItem" ADD CONSTRAINT "OrderWithoutItem_orderId_fkey" FOREIGN KEY ("orderId") REFERENCES "Order"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Design" ADD CONSTRAINT "Design_specId_fkey" FOREIGN KEY ("specId") REFERENCES "DesignSpec"("id") ON DELETE SET NULL ON UPDATE CASCADE NOT VALID;

-- AddForeignKey
ALTER TABLE "Customization" ADD CONSTRAINT "Customization_snapshotId_fkey" FOREIGN KEY ("snapshotId") REFERENCES "Snapshot"("id") ON DELETE SET NULL ON UPDATE CASCADE NOT VALID;

-- AddForeignKey
ALTER TABLE "RenderResult" ADD CONSTRAINT "RenderResult_snapshotId_fkey" FOREIGN KEY ("snapshotId") REFERENCES "Snapshot"("id") ON DELETE SET NULL ON UPDATE CASCADE NOT VALID;

-- AddForeignKey
ALTER TABLE "RenderResult" ADD CONSTRAINT "RenderResult_designId_fkey" FOREIGN KEY ("designId") REFERENCES "Design"("id") ON DELETE SET NULL ON UPDATE CASCADE NOT VALID;

-- AddForeignKey
ALTER TABLE "RenderResult" ADD CONSTRAINT "RenderResult_customizationId_fkey" FOREIGN KEY ("customizationId") REFERENCES "Customization"("id") ON DELETE SET NULL ON UPDATE CASCADE NOT VALID;

-- AddForeignKey
ALTER TABLE "WorkOrder" ADD CONSTRAINT "WorkOrder_snapshotId_fkey" FOREIGN KEY ("snapshotId") REFERENCES "Snapshot"("id") ON DELETE SET NULL ON UPDATE CASCADE NOT VALID;
