-- What the default privileges of the schema %(source)s grant on a new table or sequence
-- (%(kind)s: r or S) of the role %(owner)s.
select pg_catalog.jsonb_build_object(
         'privilege', x.privilege_type,
         'grantee', case when x.grantee = 0 then '' else pg_catalog.pg_get_userbyid(x.grantee)::text end,
         'grantable', x.is_grantable, 'column', '')
  from pg_catalog.pg_default_acl d
  join pg_catalog.pg_roles r on r.oid = d.defaclrole and r.rolname = %(owner)s,
       lateral pg_catalog.aclexplode(d.defaclacl) x
 where d.defaclobjtype = %(kind)s and x.grantee <> r.oid
   and (d.defaclnamespace = 0
        or d.defaclnamespace = (select oid from pg_catalog.pg_namespace where nspname = %(source)s))
