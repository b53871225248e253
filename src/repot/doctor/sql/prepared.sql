-- Prepared transactions of this database, and the tables that they hold.
select p.gid, p.owner as role, extract(epoch from clock_timestamp() - p.prepared)::float8 as open_s,
  coalesce((select array_agg(distinct l.mode || ' on ' || l.relation::regclass)
    from pg_catalog.pg_locks own
    join pg_catalog.pg_locks l on l.virtualtransaction = own.virtualtransaction and l.pid is null
    join pg_catalog.pg_class c on c.oid = l.relation and c.relkind in ('r', 'p', 'm')
    where own.pid is null and own.locktype = 'transactionid' and own.transactionid = p.transaction
      and l.database = (select oid from pg_catalog.pg_database
        where datname = pg_catalog.current_database())), '{}') as locks
from pg_catalog.pg_prepared_xacts p
where p.database = pg_catalog.current_database()
order by p.prepared
