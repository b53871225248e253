-- Sessions of others that this role may not look into.
select count(*) as hidden from pg_catalog.pg_stat_activity
where datname = pg_catalog.current_database() and query = '<insufficient privilege>'
