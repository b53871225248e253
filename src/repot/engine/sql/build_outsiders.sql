-- Objects of other schemas that hang on something in the schema %(target)s: dropping it would drop
-- them too. Repot's own schemas (%(ours)s) do not count.
with target as (select oid from pg_catalog.pg_namespace where nspname = %(target)s),
here as (
  select 'pg_catalog.pg_class'::pg_catalog.regclass::oid as class, oid as object
    from pg_catalog.pg_class where relnamespace = (table target)
  union all
  select 'pg_catalog.pg_type'::pg_catalog.regclass, oid
    from pg_catalog.pg_type where typnamespace = (table target)
  union all
  select 'pg_catalog.pg_proc'::pg_catalog.regclass, oid
    from pg_catalog.pg_proc where pronamespace = (table target)),
hanging as (
  select distinct d.classid, d.objid, d.objsubid
    from pg_catalog.pg_depend d join here h on h.class = d.refclassid and h.object = d.refobjid
   where d.deptype = 'n'),
owners as (  -- the relation that a part of it belongs to
  select 'pg_catalog.pg_rewrite'::pg_catalog.regclass::oid as class, oid as object, ev_class as relation
    from pg_catalog.pg_rewrite
  union all
  select 'pg_catalog.pg_constraint'::pg_catalog.regclass, oid, conrelid from pg_catalog.pg_constraint
  union all
  select 'pg_catalog.pg_attrdef'::pg_catalog.regclass, oid, adrelid from pg_catalog.pg_attrdef
  union all
  select 'pg_catalog.pg_policy'::pg_catalog.regclass, oid, polrelid from pg_catalog.pg_policy
  union all
  select 'pg_catalog.pg_trigger'::pg_catalog.regclass, oid, tgrelid from pg_catalog.pg_trigger
  union all
  select 'pg_catalog.pg_class'::pg_catalog.regclass, oid, oid from pg_catalog.pg_class)
select pg_catalog.pg_describe_object(g.classid, g.objid, g.objsubid)
  from hanging g
  left join owners o on o.class = g.classid and o.object = g.objid
  left join pg_catalog.pg_class c on c.oid = o.relation
  left join pg_catalog.pg_proc p
    on g.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and p.oid = g.objid
  left join pg_catalog.pg_type t
    on g.classid = 'pg_catalog.pg_type'::pg_catalog.regclass and t.oid = g.objid
  join pg_catalog.pg_namespace n
    on n.oid = coalesce(c.relnamespace, p.pronamespace, t.typnamespace)
 where n.nspname <> %(target)s and n.nspname <> all (%(ours)s) and n.nspname !~ '^pg_(toast|temp)'
 order by 1
