-- Alone in its file: it cannot run inside a transaction.
CREATE INDEX CONCURRENTLY "Order_brandId_createdAt_idx" ON "Order"("brandId", "createdAt");
