-- Alone in its file: it cannot run inside a transaction.
CREATE INDEX CONCURRENTLY "RenderResult_type_status_idx" ON "RenderResult"("type", "status");
