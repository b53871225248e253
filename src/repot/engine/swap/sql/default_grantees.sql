-- Roles that default privileges name, the owner's own left in; null is PUBLIC.
select distinct case x.grantee when 0 then null else pg_catalog.pg_get_userbyid(x.grantee) end
  from pg_catalog.pg_default_acl d
 cross join lateral pg_catalog.aclexplode(d.defaclacl) x
