-- What is taken off V2's empty tables (oids in %(tables)s) and put back after the rows, as the
-- catalogs print it. One row per object, in the order of taking off: foreign keys, keys, indexes,
-- triggers. `stays`: something else needs it (a view that groups by a primary key does); dropping
-- it would drop that too, so it is left where it is. `outward`: a foreign key to a table that stays.
with tables as (
  select c.oid, n.nspname, c.relname, c.relkind = 'p' as partitioned, c.relreplident
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
   where c.oid = any (%(tables)s::bigint[]::oid[]))

select 1 as part, 'foreign_key' as kind, k.conname::text as name,
       n.nspname::text as schema, t.relname::text as "table",
       pg_catalog.pg_get_constraintdef(k.oid) as definition,
       null::text as index_definition, null::text as key_words, null::text as timing,
       not k.convalidated or t.relkind = 'p' as as_is,
       false as stays,
       -- A partitioned table's key cannot be NOT VALID before PostgreSQL 18.
       t.relkind <> 'p' and k.confrelid not in (select oid from tables) as outward,
       pg_catalog.obj_description(k.oid, 'pg_constraint') as comment,
       null::text as index_comment,
       null::text as tablespace, false as clustered, false as identifies, '{}'::text[] as statistics,
       '[]'::jsonb as children
  from pg_catalog.pg_constraint k
  join pg_catalog.pg_class t on t.oid = k.conrelid
  join pg_catalog.pg_namespace n on n.oid = t.relnamespace
 where k.contype = 'f' and k.conparentid = 0
   and (k.conrelid in (select oid from tables) or k.confrelid in (select oid from tables))

union all
select case when k.oid is null then 3 else 2 end,
       case when k.oid is null then 'index' else 'key' end,
       coalesce(k.conname, c.relname)::text, t.nspname::text, t.relname::text,
       pg_catalog.pg_get_constraintdef(k.oid),
       pg_catalog.pg_get_indexdef(i.indexrelid),
       case k.contype when 'p' then 'primary key' when 'u' then 'unique' end,
       case when k.condeferred then 'deferrable initially deferred'
            when k.condeferrable then 'deferrable' else '' end,
       -- Built with its constraint: partitioned tables know no USING INDEX, exclusion constraints
       -- and temporal keys are more than a unique index.
       k.oid is not null and (t.partitioned or k.contype = 'x' or a.amname <> 'btree'),
       exists (select from pg_catalog.pg_depend d
                where d.refclassid = 'pg_catalog.pg_constraint'::pg_catalog.regclass
                  and d.refobjid = k.oid and d.deptype = 'n'),
       false,
       pg_catalog.obj_description(k.oid, 'pg_constraint'),
       pg_catalog.obj_description(i.indexrelid, 'pg_class'),
       s.spcname::text, i.indisclustered, t.relreplident = 'i' and i.indisreplident,
       -- Statistics targets of expression columns.
       coalesce((select pg_catalog.array_agg(b.attnum || ' set statistics ' || b.attstattarget
                                    order by b.attnum)
                   from pg_catalog.pg_attribute b
                  where b.attrelid = i.indexrelid and b.attstattarget >= 0), '{}'),
       -- The index of a partitioned table is printed ON ONLY it: those of its partitions, from the
       -- top down, are made by themselves and attached.
       case when k.oid is null and t.partitioned then (
         with recursive below as (
           select h.inhrelid, h.inhparent, 1 as depth
             from pg_catalog.pg_inherits h where h.inhparent = i.indexrelid
           union all
           select h.inhrelid, h.inhparent, b.depth + 1
             from pg_catalog.pg_inherits h join below b on h.inhparent = b.inhrelid)
         select coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
                  'definition', pg_catalog.pg_get_indexdef(b.inhrelid),
                  'schema', n1.nspname, 'name', c1.relname,
                  'parent_schema', n2.nspname, 'parent', c2.relname)
                  order by b.depth, c1.relname), '[]')
           from below b
           join pg_catalog.pg_class c1 on c1.oid = b.inhrelid
           join pg_catalog.pg_namespace n1 on n1.oid = c1.relnamespace
           join pg_catalog.pg_class c2 on c2.oid = b.inhparent
           join pg_catalog.pg_namespace n2 on n2.oid = c2.relnamespace)
       else '[]' end
  from tables t
  join pg_catalog.pg_index i on i.indrelid = t.oid
  join pg_catalog.pg_class c on c.oid = i.indexrelid
  join pg_catalog.pg_am a on a.oid = c.relam
  left join pg_catalog.pg_tablespace s on s.oid = c.reltablespace
  left join pg_catalog.pg_constraint k on k.conindid = i.indexrelid and k.contype in ('p', 'u', 'x')
 where not exists (select from pg_catalog.pg_inherits h where h.inhrelid = i.indexrelid)

union all
select 4, 'trigger', g.tgname::text, t.nspname::text, t.relname::text,
       pg_catalog.pg_get_triggerdef(g.oid), null, null, null, true, false, false,
       pg_catalog.obj_description(g.oid, 'pg_trigger'), null, null, false, false, '{}', '[]'
  from tables t
  join pg_catalog.pg_trigger g on g.tgrelid = t.oid
 where not g.tgisinternal and g.tgparentid = 0

 order by part, schema, "table", name
