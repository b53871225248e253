-- CreateTable
CREATE TABLE "Post" (
  "id" TEXT PRIMARY KEY,
  "authorId" TEXT REFERENCES "User" ("id")
);
