alter table users add column name text;
he--
alter table users add column age int;
