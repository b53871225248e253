select x."id", x."email", x."password", x."firstName", x."lastName", x."name", x."avatar",
  x."role", x."isActive", x."emailVerified", x."lastLoginAt", x."brandId", x."ai_credits",
  x."createdAt", x."updatedAt"
from "User" x
