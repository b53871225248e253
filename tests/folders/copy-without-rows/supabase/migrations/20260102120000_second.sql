-- the rows were cut away
copy users (id, email) from stdin;
