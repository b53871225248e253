-- Each relation of the schema %(target)s, and the relation of the same name in %(source)s, if any.
-- Grants are {privilege, grantee ('' is PUBLIC), grantable, column ('' is the whole relation)},
-- without those of the owner.
with grants as (
  select c.oid as relation, x.privilege_type as privilege,
         case when x.grantee = 0 then '' else pg_catalog.pg_get_userbyid(x.grantee)::text end as grantee,
         x.is_grantable as grantable, '' as "column"
    from pg_catalog.pg_class c, lateral pg_catalog.aclexplode(c.relacl) x
   where x.grantee <> c.relowner
  union all
  select c.oid, x.privilege_type,
         case when x.grantee = 0 then '' else pg_catalog.pg_get_userbyid(x.grantee)::text end,
         x.is_grantable, a.attname::text
    from pg_catalog.pg_class c
    join pg_catalog.pg_attribute a on a.attrelid = c.oid and not a.attisdropped,
         lateral pg_catalog.aclexplode(a.attacl) x
   where x.grantee <> c.relowner),
gathered as (
  select g.relation, pg_catalog.jsonb_agg(pg_catalog.to_jsonb(g) - 'relation') as grants
    from grants g group by g.relation)
select c.oid::bigint as oid, c.relname::text as name, c.relkind::text as kind,
       pg_catalog.pg_get_userbyid(c.relowner)::text as owner,
       c.relowner = (select r.oid from pg_catalog.pg_roles r where r.rolname = current_user) as mine,
       c.relacl::text as acl,
       s.relname is not null as behind_column,  -- a sequence that belongs to a column
       s.relname::text as behind_table,
       pg_catalog.obj_description(c.oid, 'pg_class') as comment,
       coalesce(own.grants, '[]') as grants,
       v.oid::bigint as twin,
       pg_catalog.pg_get_userbyid(v.relowner)::text as twin_owner,
       coalesce(others.grants, '[]') as twin_grants,
       pg_catalog.obj_description(v.oid, 'pg_class') as twin_comment
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  left join lateral (
    select t.relname from pg_catalog.pg_depend d join pg_catalog.pg_class t on t.oid = d.refobjid
     where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = c.oid
       and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.refobjsubid > 0
       and c.relkind = 'S' and d.deptype in ('a', 'i') limit 1) s on true
  left join pg_catalog.pg_class v
    on v.relname = c.relname
   and v.relnamespace = (select oid from pg_catalog.pg_namespace where nspname = %(source)s)
   and (v.relkind = 'S') = (c.relkind = 'S') and v.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
  left join gathered own on own.relation = c.oid
  left join gathered others on others.relation = v.oid
 where n.nspname = %(target)s and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
 order by c.relkind = 'S', c.relname
