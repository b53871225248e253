select x."id", x."productId", x."name", x."description", x."type", x."positionX", x."positionY",
  x."positionZ", x."rotationX", x."rotationY", x."rotationZ", x."scaleX", x."scaleY", x."scaleZ",
  x."uvMinU", x."uvMaxU", x."uvMinV", x."uvMaxV", x."maxChars", x."allowedFonts",
  x."allowedColors", x."isRequired", x."isActive", x."order", x."createdAt", x."updatedAt"
from "Zone" x
