select x."id", x."name", x."prompt", x."promptHash", x."zoneId", x."productId", x."font",
  x."color", x."size", x."effect", x."orientation", x."options", x."status", x."jobId",
  x."textureUrl", x."errorMessage", x."costCents", x."userId", x."brandId", x."designId",
  x."orderId", x."createdAt", x."updatedAt", x."completedAt"
from "Customization" x
