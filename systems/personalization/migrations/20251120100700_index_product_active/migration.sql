-- Alone in its file: it cannot run inside a transaction.
CREATE INDEX CONCURRENTLY "Product_brandId_isActive_idx" ON "Product"("brandId", "isActive");
