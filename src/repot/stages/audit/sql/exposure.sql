-- What everybody and PostgREST's roles may do with each relation, whose it is, and which tables with
-- row security a view reads, over other views, too.
with recursive chosen as (
  select c.oid, c.relname, c.relkind, c.relowner, c.relacl, c.reloptions, c.relrowsecurity,
         c.relforcerowsecurity, c.relispartition, n.nspname
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
   where n.nspname = any (%(schemas)s) and c.relkind in ('r', 'p', 'v', 'm', 'f')
     and not exists (select from pg_catalog.pg_depend d
                      where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid
                        and d.deptype = 'e')
), caller (who, name) as (
  select 0::oid, 'public'
  union all
  select oid, rolname from pg_catalog.pg_roles where rolname in ('anon', 'authenticated')
), read (view, relation) as (
  select w.ev_class, d.refobjid
    from chosen v
    join pg_catalog.pg_rewrite w on w.ev_class = v.oid
    join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_rewrite'::regclass and d.objid = w.oid
     and d.refclassid = 'pg_catalog.pg_class'::regclass and d.refobjid <> w.ev_class
   where v.relkind in ('v', 'm')
  union
  select r.view, d.refobjid
    from read r
    join pg_catalog.pg_rewrite w on w.ev_class = r.relation
    join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_rewrite'::regclass and d.objid = w.oid
     and d.refclassid = 'pg_catalog.pg_class'::regclass and d.refobjid <> w.ev_class
)
select c.oid::bigint                                            as oid,
       array[c.nspname, c.relname]::text[]                      as name,
       c.relkind::text                                          as kind,
       pg_catalog.pg_get_userbyid(c.relowner)::text             as owner,
       c.relrowsecurity                                         as guarded,
       c.relforcerowsecurity                                    as forced,
       coalesce((select root.relrowsecurity from pg_catalog.pg_class root
                  where c.relispartition
                    and root.oid = pg_catalog.pg_partition_root(c.oid)), false) as guarded_root,
       coalesce(exists (select from pg_catalog.pg_options_to_table(c.reloptions) o
                         where o.option_name = 'security_invoker'
                           and o.option_value::boolean), false)  as invoker,
       coalesce((select pg_catalog.array_agg(distinct w.name)
                   from caller w
                  where w.who <> 0 and not c.relforcerowsecurity
                    and pg_catalog.pg_has_role(w.who, c.relowner, 'MEMBER')), '{}') as owned_by,
       (select pg_catalog.jsonb_object_agg(g.name, g.privileges)
          from (select w.name, pg_catalog.array_agg(distinct x.privilege_type) as privileges
                  from caller w,
                       lateral (select grantee, privilege_type
                                  from pg_catalog.aclexplode(c.relacl)
                                union all
                                select x.grantee, x.privilege_type
                                  from pg_catalog.pg_attribute a,
                                       pg_catalog.aclexplode(a.attacl) x
                                 where a.attrelid = c.oid) x
                 where x.grantee = w.who
                 group by w.name) g)                             as open,
       coalesce((select pg_catalog.array_agg(distinct b.oid::regclass::text)
                   from read r join pg_catalog.pg_class b on b.oid = r.relation
                  where r.view = c.oid and b.relrowsecurity), '{}') as reads_guarded
  from chosen c
 order by c.nspname collate "C", c.relname collate "C"
