create table notes (id int primary key, embedding vector(384));
