DROP INDEX "Order_brandId_createdAt_idx";
