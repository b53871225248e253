-- Alone in its file: it cannot run inside a transaction.
CREATE UNIQUE INDEX CONCURRENTLY "Product_brandId_slug_key" ON "Product"("brandId", "slug");
