-- The last column: whether the session that began an attempt is still there. When it began is hidden
-- from those without the right to see it: then it may be that session.
select e.at, e.kind, e.migration, e.attempt, e.who, e.client, e.pid, e.mode, e.statement,
       e.duration_ms, e.checksum, e.prefix, e.fingerprint, e.detail, a.pid is not null
  from repot.migration_event e
  left join pg_catalog.pg_stat_activity a
    on e.kind = 'started' and a.pid = e.pid and a.pid <> pg_catalog.pg_backend_pid()
   and coalesce(a.backend_start = e.backend_start, true)
 where e.layout = %(layout)s
 order by e.id
