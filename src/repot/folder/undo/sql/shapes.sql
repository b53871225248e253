-- Every table that can hold rows, with what is needed to tell what a script did to it. A partitioned
-- table is one; what happens to its partitions happens to it. Temporary tables and Repot's own are
-- left out. `changed`: rows updated or deleted in this transaction (and maybe before it: more than
-- there were, never less); `files`: other ones after TRUNCATE and after a rewrite.
-- A type counts as built in if no script can take it away and its values mean the same everywhere.
with units as materialized (
  select c.oid, c.relname, c.relkind, n.nspname
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
   where c.relkind in ('r', 'p') and c.relpersistence <> 't' and not c.relispartition
     and n.nspname not in ('pg_catalog', 'information_schema', 'repot', 'repot_archive')
     and n.nspname !~ '^pg_(toast|temp)'
), leaves as materialized (
  select u.oid as unit, u.oid from units u where u.relkind = 'r'
  union all
  select u.oid, t.relid
    from units u cross join lateral pg_catalog.pg_partition_tree(u.oid) t
   where u.relkind = 'p' and t.isleaf
), held as materialized (
  select l.unit,
         jsonb_agg(l.oid::bigint order by l.oid) as members,
         jsonb_agg(c.relfilenode::bigint order by l.oid) as files,
         sum(pg_catalog.pg_stat_get_xact_tuples_updated(l.oid)
             + pg_catalog.pg_stat_get_xact_tuples_deleted(l.oid))::bigint as changed,
         bool_or(c.relkind = 'f') as "foreign"
    from leaves l join pg_catalog.pg_class c on c.oid = l.oid
   group by l.unit
)
select u.oid::bigint as oid, u.nspname as schema, u.relname as name, u.relkind::text as kind,
       coalesce(h.members, '[]') as members, coalesce(h.files, '[]') as files,
       coalesce(h.changed, 0) as changed, coalesce(h."foreign", false) as "foreign",
       coalesce(cols.list, '[]') as columns,
       coalesce(keys.list, '[]') as keys,
       coalesce(refs.list, '[]') as references
  from units u
  left join held h on h.unit = u.oid
  left join lateral (
         select jsonb_agg(jsonb_build_object(
                  'num', a.attnum, 'name', a.attname,
                  'type', pg_catalog.format_type(a.atttypid, a.atttypmod),
                  'builtin', t.oid < 16384 and t.typtype in ('b', 'r', 'm') and t.typname !~ '^_?reg',
                  'generated', a.attgenerated <> '', 'identity', a.attidentity <> '',
                  'default', case when a.attgenerated = ''
                                  then pg_catalog.pg_get_expr(d.adbin, d.adrelid) end)
                order by a.attnum) as list
           from pg_catalog.pg_attribute a
           join pg_catalog.pg_type t on t.oid = a.atttypid
           left join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
          where a.attrelid = u.oid and a.attnum > 0 and not a.attisdropped) cols on true
  left join lateral (
         -- Columns that name one row: the primary key first.
         select jsonb_agg(k.columns order by k.indisprimary desc, k.width, k.indexrelid) as list
           from (select i.indexrelid, i.indisprimary, i.indnkeyatts as width,
                        jsonb_agg(a.attnum order by p.place) as columns
                   from pg_catalog.pg_index i
                  cross join lateral unnest(i.indkey) with ordinality p (attnum, place)
                   join pg_catalog.pg_attribute a
                     on a.attrelid = i.indrelid and a.attnum = p.attnum
                  where i.indrelid = u.oid and i.indisunique and i.indisvalid and i.indpred is null
                    and i.indexprs is null and p.place <= i.indnkeyatts
                  group by i.indexrelid, i.indisprimary, i.indnkeyatts
                 having bool_and(a.attnotnull)) k) keys on true
  left join lateral (
         select jsonb_agg(jsonb_build_object(
                  'name', k.conname, 'parent', k.confrelid::bigint, 'owns', k.confdeltype = 'c',
                  'columns', to_jsonb(k.conkey), 'referenced', (
                    select jsonb_agg(a.attname order by p.place)
                      from unnest(k.confkey) with ordinality p (attnum, place)
                      join pg_catalog.pg_attribute a
                        on a.attrelid = k.confrelid and a.attnum = p.attnum))
                order by k.confdeltype <> 'c', k.conname collate "C") as list
           from pg_catalog.pg_constraint k
          where k.conrelid = u.oid and k.contype = 'f') refs on true
 order by u.nspname collate "C", u.relname collate "C"
