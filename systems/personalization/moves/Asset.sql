select x."id", x."url", x."type", x."format", x."size", x."width", x."height", x."metadata",
  x."designId", x."createdAt"
from "Asset" x
