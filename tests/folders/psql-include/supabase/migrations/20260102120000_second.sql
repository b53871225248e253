\i functions.sql
alter table users add column name text;
