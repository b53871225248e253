-- é à ü: accents before the place
ALTER TABLE "User" ADD COLUMN "name" TEXT;
npm notice New major version of npm available! 10.8.2 -> 11.0.0
