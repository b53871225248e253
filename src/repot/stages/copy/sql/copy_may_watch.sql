-- Whether this role sees other roles' sessions and the standbys' positions.
select pg_catalog.pg_has_role(current_user, 'pg_read_all_stats', 'usage')
