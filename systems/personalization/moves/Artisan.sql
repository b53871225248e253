select x."id", x."userId", x."businessName", x."email", x."phone", x."address",
  x."supportedMaterials", x."supportedTechniques", x."maxVolume", x."averageLeadTime",
  x."qualityScore", x."status", x."createdAt", x."updatedAt"
from "Artisan" x
