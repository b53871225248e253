-- What belongs to a schema itself. Rights as (grantee or null for PUBLIC, right, grantable).
select jsonb_build_object(
         'owner', pg_catalog.pg_get_userbyid(n.nspowner),
         'comment', pg_catalog.obj_description(n.oid, 'pg_namespace'),
         'acl', (select jsonb_agg(jsonb_build_array(
                          case x.grantee when 0 then null else pg_catalog.pg_get_userbyid(x.grantee) end,
                          x.privilege_type, x.is_grantable) order by x.grantee, x.privilege_type)
                   from pg_catalog.aclexplode(coalesce(n.nspacl,
                        pg_catalog.acldefault('n', n.nspowner))) x),
         'defaults', (select jsonb_agg(jsonb_build_array(
                               pg_catalog.pg_get_userbyid(d.defaclrole),
                               case d.defaclobjtype when 'r' then 'tables' when 'S' then 'sequences'
                                                    when 'f' then 'functions' else 'types' end,
                               case x.grantee when 0 then null else pg_catalog.pg_get_userbyid(x.grantee) end,
                               x.privilege_type, x.is_grantable)
                               order by d.oid, x.grantee, x.privilege_type)
                        from pg_catalog.pg_default_acl d
                       cross join lateral pg_catalog.aclexplode(d.defaclacl) x
                       where d.defaclnamespace = n.oid))
  from pg_catalog.pg_namespace n
 where n.nspname = %(schema)s
