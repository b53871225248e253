-- the old name
ALTER TABLE "User" ADD COLUMN "name" TEXT;
