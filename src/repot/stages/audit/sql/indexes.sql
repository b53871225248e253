-- Indexes of V1's tables with what tells duplicates apart: `signature` is equal for two indexes that
-- hold the same, `covers` lists the keys of plain b-trees in order.
select c.oid::bigint                                               as oid,
       x.relname                                                   as name,
       i.indisunique                                               as "unique",
       i.indisprimary                                              as "primary",
       k.oid is not null                                           as "constraint",
       i.indisvalid                                                as valid,
       pg_catalog.pg_relation_size(x.oid)                          as bytes,
       coalesce(s.idx_scan, 0)                                     as scans,
       c.relkind = 'p' or x.relispartition                         as partitioned,
       array(select a.attname::text
               from generate_series(0, i.indnkeyatts - 1) p
               left join pg_catalog.pg_attribute a
                 on a.attrelid = i.indrelid and a.attnum = nullif(i.indkey[p], 0)
              order by p)                                          as columns,
       i.indpred is not null                                       as partial,
       concat_ws('|', x.relam, i.indkey, i.indnkeyatts, i.indclass, i.indcollation, i.indoption,
                 pg_catalog.pg_get_expr(i.indexprs, i.indrelid),
                 pg_catalog.pg_get_expr(i.indpred, i.indrelid))    as signature,
       case when i.indpred is null and i.indexprs is null and am.amname = 'btree'
             and i.indnkeyatts = i.indnatts
            then (select jsonb_agg(concat_ws('|', i.indkey[p], i.indclass[p], i.indcollation[p],
                                             i.indoption[p]) order by p)
                    from generate_series(0, i.indnkeyatts - 1) p) end as covers
  from pg_catalog.pg_index i
  join pg_catalog.pg_class c on c.oid = i.indrelid
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  join pg_catalog.pg_class x on x.oid = i.indexrelid
  join pg_catalog.pg_am am on am.oid = x.relam
  left join pg_catalog.pg_constraint k
    on k.conindid = i.indexrelid and k.conrelid = i.indrelid and k.contype in ('p', 'u', 'x')
  left join pg_catalog.pg_stat_all_indexes s on s.indexrelid = i.indexrelid
 where n.nspname = any (%(schemas)s) and c.relkind in ('r', 'p') and c.relpersistence <> 't'
 order by c.oid, x.relname collate "C"
