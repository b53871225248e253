CREATE INDEX "Product_brandId_idx" ON "Product"("brandId");
