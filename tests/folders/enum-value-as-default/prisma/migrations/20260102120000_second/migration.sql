-- AlterEnum
ALTER TYPE "State" ADD VALUE 'LOST';
-- AlterTable
ALTER TABLE "Post" ALTER COLUMN "state" SET DEFAULT 'LOST';
