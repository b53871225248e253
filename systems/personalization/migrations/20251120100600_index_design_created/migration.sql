-- Alone in its file: it cannot run inside a transaction.
CREATE INDEX CONCURRENTLY "Design_brandId_createdAt_idx" ON "Design"("brandId", "createdAt");
