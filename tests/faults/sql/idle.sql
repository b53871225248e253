-- Sessions of Repot that are still at work in this database, and locks that outlived theirs.
select 'session', format('%s: %s', application_name, query) from pg_stat_activity
 where datname = current_database() and application_name ~ '^repot' and pid <> pg_backend_pid()
union all
select 'prepared transaction', gid from pg_prepared_xacts where database = current_database()
