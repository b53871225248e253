-- Alone in its file: it cannot run inside a transaction.
CREATE INDEX CONCURRENTLY "Design_brandId_status_idx" ON "Design"("brandId", "status");
