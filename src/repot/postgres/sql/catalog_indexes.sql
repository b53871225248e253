-- Indexes. `total`: unique over every row by bare columns, so that the columns name one row.
-- indnullsnotdistinct came with PostgreSQL 15: read through jsonb, the query holds for 14 as well.
select i.indrelid::bigint                                    as oid,
       x.relname                                             as name,
       pg_catalog.pg_get_indexdef(i.indexrelid)              as definition,
       i.indisunique                                         as "unique",
       i.indisprimary                                        as "primary",
       k.oid is not null                                     as "constraint",
       i.indisvalid and i.indislive                          as valid,
       i.indpred is not null or i.indexprs is not null       as partial_or_expression,
       i.indisunique and i.indisvalid and i.indislive and not i.indisexclusion
         and i.indpred is null and i.indexprs is null        as total,
       coalesce((pg_catalog.to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, false)
                                                             as nulls_not_distinct,
       not i.indimmediate                                    as "deferrable",
       columns.names                                         as columns
  from pg_catalog.pg_index i
  join pg_catalog.pg_class x on x.oid = i.indexrelid
  join pg_catalog.pg_class c on c.oid = i.indrelid
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  left join pg_catalog.pg_constraint k
    on k.conindid = i.indexrelid and k.conrelid = i.indrelid and k.contype in ('p', 'u', 'x')
  left join lateral (
         select coalesce(jsonb_agg(a.attname order by key.place), '[]') as names
           from unnest(i.indkey) with ordinality key (attnum, place)
           join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = key.attnum
          where key.place <= i.indnkeyatts and key.attnum > 0) columns on true
 where n.nspname = any (%(schemas)s)
   and c.relkind in ('r', 'p') and c.relpersistence <> 't'
 order by i.indrelid, not i.indisprimary, x.relname collate "C"
