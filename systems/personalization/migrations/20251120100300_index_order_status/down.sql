DROP INDEX "Order_brandId_status_idx";
