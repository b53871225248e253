DROP INDEX "Design_brandId_createdAt_idx";
