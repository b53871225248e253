-- The composite indexes begin with the same column. Alone in its file: it cannot run inside a transaction.
DROP INDEX CONCURRENTLY "Product_brandId_idx";
