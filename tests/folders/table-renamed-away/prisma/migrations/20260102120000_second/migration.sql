ALTER TABLE "User" RENAME TO "Account";
