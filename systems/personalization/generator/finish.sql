-- The helpers may be made anew in this session.
drop function pg_temp.options(int, bigint);
drop function pg_temp.product_name(int, bigint);
drop function pg_temp.moment(int, bigint);
drop function pg_temp.one_of(text[], int, bigint);
drop function pg_temp.key(text, bigint);
drop function pg_temp.popular(int, bigint, bigint);
drop function pg_temp.pick(int, bigint, bigint);
drop function pg_temp.r(int, bigint);
