DROP INDEX "Design_brandId_status_idx";
