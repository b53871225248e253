-- The keys were given: the sequence goes on behind them. The helpers may be made anew.
select setval('public.admin_logs_id_seq', (select max(id) from public.admin_logs));
drop function pg_temp.prose(int, bigint);
drop function pg_temp.title(int, bigint);
drop function pg_temp.moment(int, bigint);
drop function pg_temp.one_of(text[], int, bigint);
drop function pg_temp.key(text, bigint);
drop function pg_temp.popular(int, bigint, bigint);
drop function pg_temp.pick(int, bigint, bigint);
drop function pg_temp.r(int, bigint);
