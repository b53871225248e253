-- Everything that lives directly in the schemas and that ALTER … SET SCHEMA can move on its own.
-- Not here: indexes, row types, array types and owned sequences, which follow what they belong to.
-- `signature` tells things of one kind and name apart; the types of the schemas that are swapped
-- (%(own)s) count as the same there: after the swap one stands where the other stood.
with home as materialized (
  select oid, nspname from pg_catalog.pg_namespace where nspname = any (%(schemas)s)
),
argument as (  -- of the routines and operators in question, by position
  select p.oid, a.position, a.type
    from pg_catalog.pg_proc p
   cross join lateral unnest(p.proargtypes::oid[]) with ordinality a(type, position)
   where p.pronamespace in (select oid from home)
  union all
  select o.oid, side.position, side.type
    from pg_catalog.pg_operator o
   cross join lateral (values (1, o.oprleft), (2, o.oprright)) side(position, type)
   where o.oprnamespace in (select oid from home)
),
signature as (
  select a.oid,
         string_agg(case when ty.oid is null then '-'
                         when tn.nspname = any (%(own)s) then '*.' || ty.typname
                         else tn.nspname || '.' || ty.typname end, ',' order by a.position) as text
    from argument a
    left join pg_catalog.pg_type ty on ty.oid = a.type
    left join pg_catalog.pg_namespace tn on tn.oid = ty.typnamespace
   group by a.oid
),
thing as (
  select 'pg_catalog.pg_class'::regclass::oid as class, c.oid, c.relnamespace as namespace,
         c.relname::text as name, c.relkind::text as kind, '' as signature, c.relispartition as part
    from pg_catalog.pg_class c
   where c.relnamespace in (select oid from home)
     and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
     and c.relpersistence <> 't'
     and not (c.relkind = 'S' and exists (
           select from pg_catalog.pg_depend d
            where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid
              and d.refclassid = 'pg_catalog.pg_class'::regclass and d.deptype in ('a', 'i')))
  union all
  select 'pg_catalog.pg_proc'::regclass, p.oid, p.pronamespace, p.proname, 'routine',
         coalesce(s.text, ''), false
    from pg_catalog.pg_proc p left join signature s on s.oid = p.oid
   where p.pronamespace in (select oid from home)
  union all
  select 'pg_catalog.pg_type'::regclass, t.oid, t.typnamespace, t.typname, 'type', '', false
    from pg_catalog.pg_type t
    left join pg_catalog.pg_class c on c.oid = t.typrelid
   where t.typnamespace in (select oid from home)
     and (t.typrelid = 0 or c.relkind = 'c')
     and not exists (select from pg_catalog.pg_type e where e.typarray = t.oid)
     and t.typisdefined
  union all
  select 'pg_catalog.pg_operator'::regclass, o.oid, o.oprnamespace, o.oprname, 'operator', s.text, false
    from pg_catalog.pg_operator o left join signature s on s.oid = o.oid
   where o.oprnamespace in (select oid from home)
  union all
  select 'pg_catalog.pg_opclass'::regclass, o.oid, o.opcnamespace, o.opcname, 'opclass', o.opcmethod::text, false
    from pg_catalog.pg_opclass o where o.opcnamespace in (select oid from home)
  union all
  select 'pg_catalog.pg_opfamily'::regclass, o.oid, o.opfnamespace, o.opfname, 'opfamily', o.opfmethod::text, false
    from pg_catalog.pg_opfamily o where o.opfnamespace in (select oid from home)
  union all
  select 'pg_catalog.pg_collation'::regclass, o.oid, o.collnamespace, o.collname, 'collation', '', false
    from pg_catalog.pg_collation o where o.collnamespace in (select oid from home)
  union all
  select 'pg_catalog.pg_conversion'::regclass, o.oid, o.connamespace, o.conname, 'conversion', '', false
    from pg_catalog.pg_conversion o where o.connamespace in (select oid from home)
  union all
  select 'pg_catalog.pg_statistic_ext'::regclass, o.oid, o.stxnamespace, o.stxname, 'statistics', '', false
    from pg_catalog.pg_statistic_ext o where o.stxnamespace in (select oid from home)
  union all
  select 'pg_catalog.pg_ts_config'::regclass, o.oid, o.cfgnamespace, o.cfgname, 'tsconfig', '', false
    from pg_catalog.pg_ts_config o where o.cfgnamespace in (select oid from home)
  union all
  select 'pg_catalog.pg_ts_dict'::regclass, o.oid, o.dictnamespace, o.dictname, 'tsdict', '', false
    from pg_catalog.pg_ts_dict o where o.dictnamespace in (select oid from home)
  union all
  select 'pg_catalog.pg_ts_parser'::regclass, o.oid, o.prsnamespace, o.prsname, 'tsparser', '', false
    from pg_catalog.pg_ts_parser o where o.prsnamespace in (select oid from home)
  union all
  select 'pg_catalog.pg_ts_template'::regclass, o.oid, o.tmplnamespace, o.tmplname, 'tstemplate', '', false
    from pg_catalog.pg_ts_template o where o.tmplnamespace in (select oid from home)
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
