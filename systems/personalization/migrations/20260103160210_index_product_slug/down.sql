DROP INDEX "Product_brandId_slug_key";
