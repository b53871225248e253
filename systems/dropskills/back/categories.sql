select c.id, c.name, c.description from categories c
