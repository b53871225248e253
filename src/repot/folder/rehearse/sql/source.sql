-- What the copy needs to know of the database: its extensions, roles, settings.
select array(select e.extname::text from pg_catalog.pg_extension e
              where e.extname <> 'plpgsql' order by 1),
       array(select r.rolname::text from pg_catalog.pg_roles r
              where r.rolname !~ '^pg_' order by 1),
       (select reset_val from pg_catalog.pg_settings where name = 'search_path'),
       pg_catalog.pg_database_size(current_database())::bigint
