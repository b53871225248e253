select x."id", x."name", x."description", x."prompt", x."promptHash", x."options", x."status",
  x."previewUrl", x."highResUrl", x."metadata", x."costCents", x."provider", x."createdAt",
  x."updatedAt", x."completedAt", x."userId", x."brandId", x."productId"
from "Design" x
