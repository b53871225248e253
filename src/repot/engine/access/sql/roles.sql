-- Whether roles are there, and whether this session may become them.
select w.name,
       r.oid is not null                                            as there,
       r.oid is not null and pg_catalog.pg_has_role(
         session_user, r.oid,
         case when current_setting('server_version_num')::integer >= 160000
              then 'SET' else 'MEMBER' end)                         as may
  from unnest(%(roles)s::text[]) as w (name)
  left join pg_catalog.pg_roles r on r.rolname = w.name
 order by w.name collate "C"
