alter table users add column a int;
<<<<<<< ours
alter table users add column b int;
||||||| base
=======
alter table users add column c int;
>>>>>>> theirs
