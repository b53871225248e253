select c.id, c.name from categories c
