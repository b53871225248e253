CREATE TABLE `User` (
  `id` INT NOT NULL
);
