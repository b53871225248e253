-- The helpers may be made anew, with another seed.
drop table pg_temp.movements;
drop table pg_temp.views;
drop function pg_temp.embedding(int, bigint, int);
drop function pg_temp.moment(int, bigint);
drop function pg_temp.one_of(text[], int, bigint);
drop function pg_temp.key(text, bigint);
drop function pg_temp.popular(int, bigint, bigint);
drop function pg_temp.pick(int, bigint, bigint);
drop function pg_temp.r(int, bigint);
