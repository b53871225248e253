npm warn exec The following package was not found and will be installed: prisma@6.19.0
-- AlterTable
ALTER TABLE "User" ADD COLUMN "name" TEXT;
