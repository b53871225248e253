create view mails as
select lower(email) as mail from users;
