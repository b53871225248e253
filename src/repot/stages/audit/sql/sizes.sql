-- Heap sizes, and rows as far as they can be told from size and the density that ANALYZE last saw.
select c.oid::bigint                                              as oid,
       c.relpersistence = 'u'                                     as unlogged,
       exists (select from pg_catalog.pg_inherits i
                join pg_catalog.pg_class k on k.oid = i.inhrelid
                where i.inhparent = c.oid and c.relkind = 'r')    as inherited,
       (select coalesce(sum(case when leaf.relpages > 0 and leaf.reltuples >= 0
                                 then leaf.reltuples / leaf.relpages
                                 else 50 end
                            * (pg_catalog.pg_relation_size(leaf.oid)
                               / current_setting('block_size')::integer)), 0)::bigint
          from pg_catalog.pg_class leaf
         where leaf.oid = c.oid and c.relkind = 'r'
            or c.relkind = 'p'
           and leaf.oid in (select t.relid from pg_catalog.pg_partition_tree(c.oid::regclass) t
                             where t.isleaf))                     as guess
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where n.nspname = any (%(schemas)s) and c.relkind in ('r', 'p')
