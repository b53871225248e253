select x."id", x."artisanId", x."orderId", x."priceCents", x."leadTimeDays", x."status",
  x."breakdown", x."validUntil", x."createdAt", x."updatedAt"
from "Quote" x
