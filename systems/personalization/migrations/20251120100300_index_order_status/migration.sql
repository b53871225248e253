-- Alone in its file: it cannot run inside a transaction.
CREATE INDEX CONCURRENTLY "Order_brandId_status_idx" ON "Order"("brandId", "status");
