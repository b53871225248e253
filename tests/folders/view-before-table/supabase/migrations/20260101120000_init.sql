create view mails as
select email from users;
