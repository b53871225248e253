-- no longer wanted
alter table users drop column email;
