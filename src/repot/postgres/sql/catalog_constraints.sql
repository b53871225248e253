-- Foreign keys and checks as declared: those that partitioning derives from them (conparentid) aside.
select k.conrelid::bigint                                    as oid,
       k.contype::text                                       as type,
       k.conname                                             as name,
       pg_catalog.pg_get_constraintdef(k.oid)                as definition,
       pg_catalog.pg_get_expr(k.conbin, k.conrelid)          as expression,
       coalesce(own.names, '[]')                             as columns,
       rn.nspname                                            as references_schema,
       r.relname                                             as references_name,
       coalesce(other.names, '[]')                           as referenced,
       k.confdeltype::text                                   as on_delete,
       k.condeferrable                                       as "deferrable",
       k.convalidated                                        as validated
  from pg_catalog.pg_constraint k
  join pg_catalog.pg_class c on c.oid = k.conrelid
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  left join pg_catalog.pg_class r on k.contype = 'f' and r.oid = k.confrelid
  left join pg_catalog.pg_namespace rn on rn.oid = r.relnamespace
  left join lateral (
         select jsonb_agg(a.attname order by key.place) as names
           from unnest(k.conkey) with ordinality key (attnum, place)
           join pg_catalog.pg_attribute a on a.attrelid = k.conrelid and a.attnum = key.attnum
       ) own on true
  left join lateral (
         select jsonb_agg(a.attname order by key.place) as names
           from unnest(k.confkey) with ordinality key (attnum, place)
           join pg_catalog.pg_attribute a on a.attrelid = k.confrelid and a.attnum = key.attnum
       ) other on true
 where n.nspname = any (%(schemas)s)
   and c.relkind in ('r', 'p') and c.relpersistence <> 't'
   and k.contype in ('f', 'c') and k.conparentid = 0
 order by k.conrelid, k.conname collate "C"
