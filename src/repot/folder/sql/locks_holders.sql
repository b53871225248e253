select a.pid, a.application_name, a.usename, a.state,
       pg_catalog.round(extract(epoch from pg_catalog.clock_timestamp() - a.backend_start)::numeric, 1)
  from pg_catalog.pg_locks l
  join pg_catalog.pg_stat_activity a on a.pid = l.pid
 where l.locktype = 'advisory' and l.granted and l.pid <> pg_catalog.pg_backend_pid()
   and l.database = (select d.oid from pg_catalog.pg_database d
                      where d.datname = pg_catalog.current_database())
   and l.objsubid = 1
   and (l.classid::bigint << 32) | l.objid::bigint
       in (%(prisma)s::bigint, pg_catalog.hashtextextended('repot.migrate', 0))
 group by 1, 2, 3, 4, 5
 order by a.pid
