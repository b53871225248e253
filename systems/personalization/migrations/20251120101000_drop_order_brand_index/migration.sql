-- The composite indexes begin with the same column. Alone in its file: it cannot run inside a transaction.
DROP INDEX CONCURRENTLY "Order_brandId_idx";
