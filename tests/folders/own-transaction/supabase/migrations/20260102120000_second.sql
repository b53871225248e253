begin;
alter table users add column name text;
commit;
