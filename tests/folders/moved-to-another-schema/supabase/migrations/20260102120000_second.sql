create schema app;
alter table users set schema app;
