select pg_catalog.current_setting('server_version_num')::int >= 140000 as version,
       not pg_catalog.pg_is_in_recovery() as primary_server,
       pg_catalog.current_setting('wal_level') as wal_level,
       pg_catalog.current_setting('max_replication_slots')::int as slots,
       (select pg_catalog.count(*) from pg_catalog.pg_replication_slots) as used,
       r.rolsuper or r.rolreplication
         or exists (select from pg_catalog.pg_roles g
                     where g.rolname = 'rds_replication'
                       and pg_catalog.pg_has_role(g.oid, 'MEMBER')) as replication,
       r.rolname as role,
       pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE') as creates,
       pg_catalog.current_database() as database,
       -- Since the minor releases of 2026; hidden from roles without pg_read_all_settings.
       (select p.setting from pg_catalog.pg_settings p
         where p.name = 'output_plugin_libraries') as plugins
  from pg_catalog.pg_roles r
 where r.rolname = current_user
