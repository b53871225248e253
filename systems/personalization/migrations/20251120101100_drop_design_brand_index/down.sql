CREATE INDEX "Design_brandId_idx" ON "Design"("brandId");
