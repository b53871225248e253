-- Roles that the dump may name: owners, grantees and those of policies are among all of them.
select rolname from pg_catalog.pg_roles where rolname !~ '^pg_' order by rolname collate "C"
