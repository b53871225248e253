CREATE VIEW "Address" AS SELECT "id" FROM "User";
