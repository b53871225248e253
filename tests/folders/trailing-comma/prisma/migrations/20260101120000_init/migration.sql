CREATE TABLE "Tag" (
  "id" INT PRIMARY KEY,
  "name" TEXT,
);
