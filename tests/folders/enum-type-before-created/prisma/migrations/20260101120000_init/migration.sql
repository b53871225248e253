CREATE TABLE "Post" (
  "id" TEXT PRIMARY KEY,
  "state" "State" NOT NULL
);
