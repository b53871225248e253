-- Whether this takes the view along cannot be told; that it is there afterwards can.
ALTER TABLE "User" DROP COLUMN "email" CASCADE;
CREATE VIEW "Address" AS SELECT "id" FROM "User";
