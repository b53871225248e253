drop table users;
drop table posts;
