-- What the server is and what this role may do in this database.
select current_setting('server_version_num')::integer         as server_version,
       pg_catalog.pg_is_in_recovery()                         as standby,
       current_setting('wal_level')                           as wal_level,
       current_user::text                                     as role,
       current_database()::text                               as database,
       r.rolsuper                                             as superuser,
       r.rolsuper or r.rolbypassrls                           as bypass_rls,
       pg_catalog.has_database_privilege(current_database(), 'CREATE')    as create_schema,
       pg_catalog.has_database_privilege(current_database(), 'TEMPORARY') as temporary,
       pg_catalog.pg_has_role(d.datdba, 'USAGE')              as database_owner,
       r.rolsuper or exists (select from pg_catalog.pg_roles m
                              where m.rolname in ('rds_superuser', 'cloudsqlsuperuser',
                                                  'azure_pg_admin', 'supabase_admin')
                                and pg_catalog.pg_has_role(m.oid, 'MEMBER')) as event_triggers,
       -- connections that this role could still open
       least(current_setting('max_connections')::integer
               - case when r.rolsuper then 0
                      else current_setting('superuser_reserved_connections')::integer end
               - (select count(*) from pg_catalog.pg_stat_activity a
                   where a.backend_type = 'client backend'),
             case when r.rolconnlimit >= 0 then r.rolconnlimit
               - (select count(*) from pg_catalog.pg_stat_activity a where a.usesysid = r.oid) end,
             case when d.datconnlimit >= 0 then d.datconnlimit
               - (select count(*) from pg_catalog.pg_stat_activity a where a.datid = d.oid) end
            )::integer                                        as free_connections
  from pg_catalog.pg_roles r, pg_catalog.pg_database d
 where r.rolname = current_user and d.datname = current_database()
