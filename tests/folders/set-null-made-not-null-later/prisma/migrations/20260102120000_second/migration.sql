UPDATE "Post" SET "authorId" = (SELECT min("id") FROM "User") WHERE "authorId" IS NULL;
ALTER TABLE "Post" ALTER COLUMN "authorId" SET NOT NULL;
