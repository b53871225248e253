-- Settings of a worker's session. Commits need not wait for the disk: a chunk's rows and its
-- checkpoint are one transaction, so a crash that loses the one loses the other. Memory is raised
-- to these values and never lowered. Locks are waited for shortly: see crew.py.
select pg_catalog.set_config('lock_timeout', '300ms', false),
       pg_catalog.set_config('synchronous_commit', 'off', false),
       pg_catalog.set_config('jit', 'off', false),
       (select pg_catalog.set_config(s.name,
                 greatest(s.setting::bigint, 64 * 1024) || 'kB', false)
          from pg_catalog.pg_settings s where s.name = 'work_mem'),
       (select pg_catalog.set_config(s.name, greatest(s.setting::bigint, 256 * 1024) || 'kB', false)
          from pg_catalog.pg_settings s where s.name = 'maintenance_work_mem')
