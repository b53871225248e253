-- Everything that lives directly in the schemas and that ALTER … SET SCHEMA can move on its own.
-- Not here: indexes, row types, array types and owned sequences, which follow what they belong to.
-- `signature` tells things of one kind and name apart; the types of the schemas that are swapped
-- (%(own)s) count as the same there: after the swap one stands where the other stood.
with named_type as (
  select ty.oid,
         case when tn.nspname = any (%(own)s) then '*' else tn.nspname end || '.' || ty.typname as text
    from pg_catalog.pg_type ty join pg_catalog.pg_namespace tn on tn.oid = ty.typnamespace
),
home as (
  select oid, nspname from pg_catalog.pg_namespace where nspname = any (%(schemas)s)
),
thing as (
  select 'pg_catalog.pg_class'::regclass::oid as class, c.oid, c.relnamespace as namespace,
         c.relname::text as name, c.relkind::text as kind, '' as signature, c.relispartition as part
    from pg_catalog.pg_class c
   where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
     and c.relpersistence <> 't'
     and not (c.relkind = 'S' and exists (
           select from pg_catalog.pg_depend d
            where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid
              and d.refclassid = 'pg_catalog.pg_class'::regclass and d.deptype in ('a', 'i')))
  union all
  select 'pg_catalog.pg_proc'::regclass, p.oid, p.pronamespace, p.proname, 'routine',
         coalesce((select string_agg(t.text, ',' order by a.position)
                     from unnest(p.proargtypes::oid[]) with ordinality a(type, position)
                     join named_type t on t.oid = a.type), ''), false
    from pg_catalog.pg_proc p
  union all
  select 'pg_catalog.pg_type'::regclass, t.oid, t.typnamespace, t.typname, 'type', '', false
    from pg_catalog.pg_type t
    left join pg_catalog.pg_class c on c.oid = t.typrelid
   where (t.typrelid = 0 or c.relkind = 'c')
     and not exists (select from pg_catalog.pg_type e where e.typarray = t.oid)
     and t.typisdefined
  union all
  select 'pg_catalog.pg_operator'::regclass, o.oid, o.oprnamespace, o.oprname, 'operator',
         coalesce((select text from named_type where oid = o.oprleft), '-') || ','
         || coalesce((select text from named_type where oid = o.oprright), '-'), false
    from pg_catalog.pg_operator o
  union all
  select 'pg_catalog.pg_opclass'::regclass, o.oid, o.opcnamespace, o.opcname, 'opclass',
         o.opcmethod::text, false
    from pg_catalog.pg_opclass o
  union all
  select 'pg_catalog.pg_opfamily'::regclass, o.oid, o.opfnamespace, o.opfname, 'opfamily',
         o.opfmethod::text, false
    from pg_catalog.pg_opfamily o
  union all
  select 'pg_catalog.pg_collation'::regclass, o.oid, o.collnamespace, o.collname, 'collation', '', false
    from pg_catalog.pg_collation o
  union all
  select 'pg_catalog.pg_conversion'::regclass, o.oid, o.connamespace, o.conname, 'conversion', '', false
    from pg_catalog.pg_conversion o
  union all
  select 'pg_catalog.pg_statistic_ext'::regclass, o.oid, o.stxnamespace, o.stxname, 'statistics', '', false
    from pg_catalog.pg_statistic_ext o
  union all
  select 'pg_catalog.pg_ts_config'::regclass, o.oid, o.cfgnamespace, o.cfgname, 'tsconfig', '', false
    from pg_catalog.pg_ts_config o
  union all
  select 'pg_catalog.pg_ts_dict'::regclass, o.oid, o.dictnamespace, o.dictname, 'tsdict', '', false
    from pg_catalog.pg_ts_dict o
  union all
  select 'pg_catalog.pg_ts_parser'::regclass, o.oid, o.prsnamespace, o.prsname, 'tsparser', '', false
    from pg_catalog.pg_ts_parser o
  union all
  select 'pg_catalog.pg_ts_template'::regclass, o.oid, o.tmplnamespace, o.tmplname, 'tstemplate', '', false
    from pg_catalog.pg_ts_template o
)
select t.class::bigint, t.oid::bigint, h.nspname, t.name, t.kind, t.signature, i.type, i.identity,
       t.part,
       (select e.extname from pg_catalog.pg_depend d
          join pg_catalog.pg_extension e on e.oid = d.refobjid
         where d.classid = t.class and d.objid = t.oid and d.deptype = 'e'
           and d.refclassid = 'pg_catalog.pg_extension'::regclass limit 1)
  from thing t
  join home h on h.oid = t.namespace
 cross join lateral pg_catalog.pg_identify_object(t.class, t.oid, 0) i
 order by h.nspname collate "C", t.kind, t.name collate "C", t.signature
