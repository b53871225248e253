<<<<<<< HEAD
ALTER TABLE "User" ADD COLUMN "name" TEXT;
=======
ALTER TABLE "User" ADD COLUMN "fullName" TEXT;
>>>>>>> feature/names
