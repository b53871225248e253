CREATE TABLE "Tag" (
  "id" UUID PRIMARY KEY DEFAULT uuid_generate_v4()
);
