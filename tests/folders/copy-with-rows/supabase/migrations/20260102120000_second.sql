copy users (id, email) from stdin;
0d3c9d8e-8a0a-4a0c-9d51-0a5f1b6f2c11	a@example.org
\.
