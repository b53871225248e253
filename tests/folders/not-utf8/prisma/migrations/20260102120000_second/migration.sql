UPDATE "User" SET "email" = 'a';
UPDATE "User" SET "email" = 'café';
