CREATE INDEX "Order_brandId_idx" ON "Order"("brandId");
