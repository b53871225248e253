-- Roles that a policy is for and that lack what it is of no use without: a grant on the table, or on
-- a function that the policy calls.
select p.polrelid::bigint                                         as oid,
       p.polname                                                  as name,
       r.rolname                                                  as role,
       case when p.polcmd = '*'
            then not (pg_catalog.has_any_column_privilege(r.oid, p.polrelid, 'SELECT')
                      or pg_catalog.has_any_column_privilege(r.oid, p.polrelid, 'INSERT')
                      or pg_catalog.has_any_column_privilege(r.oid, p.polrelid, 'UPDATE')
                      or pg_catalog.has_table_privilege(r.oid, p.polrelid, 'DELETE'))
            when p.polcmd = 'd'
            then not pg_catalog.has_table_privilege(r.oid, p.polrelid, 'DELETE')
            else not pg_catalog.has_any_column_privilege(r.oid, p.polrelid,
                   case p.polcmd when 'r' then 'SELECT' when 'a' then 'INSERT' else 'UPDATE' end)
       end                                                        as no_grant,
       array(select f.oid::regprocedure::text
               from pg_catalog.pg_depend d
               join pg_catalog.pg_proc f on f.oid = d.refobjid
              where d.classid = 'pg_catalog.pg_policy'::regclass and d.objid = p.oid
                and d.refclassid = 'pg_catalog.pg_proc'::regclass
                and not pg_catalog.has_function_privilege(r.oid, f.oid, 'EXECUTE')) as no_execute
  from pg_catalog.pg_policy p
  join pg_catalog.pg_class c on c.oid = p.polrelid
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  join pg_catalog.pg_roles r
    on r.oid = any (p.polroles)
    or (0 = any (p.polroles) and r.rolname in ('anon', 'authenticated')
        and pg_catalog.has_any_column_privilege(r.oid, c.oid, 'SELECT, INSERT, UPDATE'))
 where n.nspname = any (%(schemas)s) and c.relrowsecurity
 order by 1, 2, 3
