UPDATE "User" SET "email" = 'it''s;
