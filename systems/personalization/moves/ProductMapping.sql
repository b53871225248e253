select x."id", x."shopDomain", x."shopifyProductId", x."shopifyVariantId", x."syncStatus",
  x."lastSyncAt", x."productId", x."brandId", x."createdAt", x."updatedAt"
from "ProductMapping" x
