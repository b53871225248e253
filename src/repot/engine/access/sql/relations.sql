-- What can be read or written in a schema, and tables of other schemas by (schema, name); partitions
-- with the topmost table that they belong to. Objects of extensions are not among them.
select c.oid::bigint                                                as oid,
       n.nspname                                                    as schema,
       c.relname                                                    as name,
       c.relkind::text                                              as kind,
       case when c.relispartition
            then (select pg_catalog.array_agg(array[rn.nspname, r.relname]::text[])
                    from pg_catalog.pg_class r
                    join pg_catalog.pg_namespace rn on rn.oid = r.relnamespace
                   where r.oid = pg_catalog.pg_partition_root(c.oid)) end as root,
       coalesce(i.columns, '{}')                                    as key,
       (select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
                 'name', a.attname,
                 'type', pg_catalog.format_type(a.atttypid, a.atttypmod),
                 'category', t.typcategory,
                 'has_default', a.atthasdef or a.attidentity <> '',
                 'generated', a.attgenerated <> '',
                 'identity', a.attidentity = 'a',
                 'unique', exists (select from pg_catalog.pg_index u
                                    where u.indrelid = c.oid and u.indisunique
                                      and a.attnum = any (u.indkey)))
               order by a.attnum)
          from pg_catalog.pg_attribute a
          join pg_catalog.pg_type t on t.oid = a.atttypid
         where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns,
       pg_catalog.row_security_active(c.oid)                        as hidden
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  left join lateral (
    select pg_catalog.array_agg(a.attname::text order by k.place) as columns
      from pg_catalog.pg_index x, unnest(x.indkey) with ordinality k (attnum, place)
      join pg_catalog.pg_attribute a on a.attnum = k.attnum
     where x.indrelid = c.oid and x.indisprimary and a.attrelid = c.oid) i on true
 where c.relkind in ('r', 'p', 'v', 'm', 'f')
   and (n.nspname = %(schema)s
        or (n.nspname, c.relname) in (select * from unnest(%(schemas)s::text[], %(names)s::text[])))
   and not exists (select from pg_catalog.pg_depend d
                    where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid
                      and d.deptype = 'e')
 order by n.nspname <> %(schema)s, n.nspname collate "C", c.relname collate "C"
