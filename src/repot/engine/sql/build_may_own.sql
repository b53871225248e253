-- Whether this role may give what it makes to the role %(owner)s and go on working with it: it must
-- be able to become that role (SET, before PostgreSQL 16 MEMBER), and to have its rights (USAGE).
-- Of itself there is nothing to give.
select current_user <> %(owner)s::name
   and pg_catalog.pg_has_role(current_user, %(owner)s::name, 'usage')
   and pg_catalog.pg_has_role(current_user, %(owner)s::name,
         case when pg_catalog.current_setting('server_version_num')::integer >= 160000
           then 'set' else 'member' end)
