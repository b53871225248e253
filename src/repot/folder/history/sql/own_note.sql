insert into repot.migration_event (kind, layout, migration, attempt, client, backend_start, mode,
                                   statement, duration_ms, checksum, prefix, fingerprint, detail)
select %(kind)s, %(layout)s, %(migration)s, %(attempt)s, %(client)s,
       (select a.backend_start from pg_catalog.pg_stat_get_activity(pg_catalog.pg_backend_pid()) a),
       %(mode)s, %(statement)s, %(duration_ms)s, %(checksum)s, %(prefix)s, %(fingerprint)s,
       %(detail)s
