-- Extensions that this server can create.
select array(select name::text from pg_catalog.pg_available_extensions)
