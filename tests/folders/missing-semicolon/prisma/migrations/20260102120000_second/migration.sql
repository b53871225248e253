ALTER TABLE "User" ADD COLUMN "name" TEXT
CREATE INDEX "User_email_idx" ON "User" ("email");
