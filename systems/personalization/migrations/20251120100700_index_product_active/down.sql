DROP INDEX "Product_brandId_isActive_idx";
