select rolname from pg_catalog.pg_roles where rolname = any (%(roles)s::text[])
