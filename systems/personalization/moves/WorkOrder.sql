select x."id", x."orderId", x."artisanId", x."quoteId", x."status", x."instructions",
  x."trackingNumber", x."payoutCents", x."startedAt", x."completedAt", x."createdAt",
  x."updatedAt"
from "WorkOrder" x
