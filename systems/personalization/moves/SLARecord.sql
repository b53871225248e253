select x."id", x."artisanId", x."workOrderId", x."deadline", x."completedAt", x."onTime",
  x."delayHours", x."penaltyCents", x."createdAt"
from "SLARecord" x
