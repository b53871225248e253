-- Open transactions of clients: who, since when, and which locks they hold on tables.
select a.pid, a.usename as role, a.application_name as application, a.state,
  extract(epoch from clock_timestamp() - a.xact_start)::float8 as open_s,
  extract(epoch from clock_timestamp() - a.state_change)::float8 as state_s,
  to_char(a.xact_start at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS') as since,
  coalesce(l.locks, '{}') as locks,
  coalesce(l.relations, '{}')::bigint[] as relations
from pg_catalog.pg_stat_activity a
left join lateral (
  select array_agg(distinct l.mode || ' on ' || l.relation::regclass) as locks,
    array_agg(distinct l.relation::bigint) as relations
  from pg_catalog.pg_locks l
  join pg_catalog.pg_class c on c.oid = l.relation
  where l.pid = a.pid and l.granted and l.locktype = 'relation' and c.relkind in ('r', 'p', 'm', 'v')
    and l.database = (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database())
    and c.relnamespace <> 'pg_catalog'::regnamespace
) l on true
where a.datname = pg_catalog.current_database() and a.xact_start is not null
  and a.pid <> pg_catalog.pg_backend_pid() and a.backend_type = 'client backend'
  and a.application_name not like 'repot doctor%%'
order by a.xact_start
