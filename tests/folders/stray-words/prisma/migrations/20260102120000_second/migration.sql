ALTER TABLE "User" ADD COLUMN "name" TEXT;

ok now the index
CREATE INDEX "User_email_idx" ON "User" ("email");
