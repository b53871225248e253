alter table users add column name text;
vacuum analyze users;
