alter table users
  add constraint if not exists users_email_key unique (email);
