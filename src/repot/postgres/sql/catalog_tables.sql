-- Ordinary and partitioned tables of the schemas, extensions' own tables aside.
-- A partitioned table holds no rows itself: its figures are its partitions' together.
select c.oid::bigint                                         as oid,
       n.nspname                                             as schema,
       c.relname                                             as name,
       c.relkind::text                                       as kind,
       pg_catalog.pg_get_userbyid(c.relowner)                as owner,
       c.relrowsecurity                                      as row_security,
       c.relforcerowsecurity                                 as force_row_security,
       c.relreplident::text                                  as replica_identity,
       coalesce(c.relacl::text[], '{}')                      as acl,
       pg_catalog.obj_description(c.oid, 'pg_class')         as comment,
       coalesce(size.estimate, c.reltuples)::bigint          as estimate,
       coalesce(size.bytes, pg_catalog.pg_total_relation_size(c.oid), 0)::bigint as bytes,
       coalesce(parts.names, '[]')                           as partitions,
       pn.nspname                                            as parent_schema,
       p.relname                                             as parent_name
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  left join pg_catalog.pg_inherits i on c.relispartition and i.inhrelid = c.oid
  left join pg_catalog.pg_class p on p.oid = i.inhparent
  left join pg_catalog.pg_namespace pn on pn.oid = p.relnamespace
  left join lateral (
         select case when min(leaf.reltuples) < 0 then -1 else sum(leaf.reltuples) end as estimate,
                sum(pg_catalog.pg_total_relation_size(leaf.oid))                       as bytes
           from pg_catalog.pg_partition_tree(c.oid::regclass) t
           join pg_catalog.pg_class leaf on leaf.oid = t.relid
          where t.isleaf) size on c.relkind = 'p'
  left join lateral (
         select jsonb_agg(jsonb_build_array(kn.nspname, k.relname)
                          order by kn.nspname collate "C", k.relname collate "C") as names
           from pg_catalog.pg_inherits ki
           join pg_catalog.pg_class k on k.oid = ki.inhrelid
           join pg_catalog.pg_namespace kn on kn.oid = k.relnamespace
          where ki.inhparent = c.oid) parts on c.relkind = 'p'
 where n.nspname = any (%(schemas)s)
   and c.relkind in ('r', 'p')
   and c.relpersistence <> 't'
   and not exists (select from pg_catalog.pg_depend d
                    where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid
                      and d.objsubid = 0 and d.deptype = 'e')
 order by n.nspname collate "C", c.relname collate "C"
