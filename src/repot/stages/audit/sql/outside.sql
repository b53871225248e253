-- What lies in other schemas and points into V1's: it is bound by identity and follows V1's tables
-- into the retired schema, so the cutover has to lead each of them to V2.
with chosen as (
  select oid from pg_catalog.pg_namespace where nspname = any (%(schemas)s)
), tables as (
  select c.oid, array[n.nspname, c.relname]::text[] as shown
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
   where n.oid in (select oid from chosen) and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
), others as (
  select oid, nspname from pg_catalog.pg_namespace
   where nspname !~ '^(pg_|repot)' and nspname <> 'information_schema'
     and oid not in (select oid from chosen)
)
select 'outside-view' as kind, array[n.nspname, v.relname]::text[] as name,
       null::text[] as "table", pg_catalog.pg_get_userbyid(v.relowner)::text as owner,
       jsonb_build_object('points_to', jsonb_agg(distinct t.shown)) as detail
  from pg_catalog.pg_depend d
  join pg_catalog.pg_rewrite w on d.classid = 'pg_catalog.pg_rewrite'::regclass and w.oid = d.objid
  join pg_catalog.pg_class v on v.oid = w.ev_class
  join others n on n.oid = v.relnamespace
  join tables t on d.refclassid = 'pg_catalog.pg_class'::regclass and t.oid = d.refobjid
 group by n.nspname, v.relname, v.relowner
union all
select 'outside-foreign-key', array[k.conname],
       array[n.nspname, c.relname], null,
       jsonb_build_object('points_to', jsonb_build_array(t.shown))
  from pg_catalog.pg_constraint k
  join pg_catalog.pg_class c on c.oid = k.conrelid
  join others n on n.oid = c.relnamespace
  join tables t on t.oid = k.confrelid
 where k.contype = 'f' and k.conparentid = 0
union all
select 'outside-policy', array[p.polname],
       array[n.nspname, c.relname], null,
       jsonb_build_object('points_to', jsonb_agg(distinct t.shown))
  from pg_catalog.pg_policy p
  join pg_catalog.pg_class c on c.oid = p.polrelid
  join others n on n.oid = c.relnamespace
  join pg_catalog.pg_depend d
    on d.classid = 'pg_catalog.pg_policy'::regclass and d.objid = p.oid
   and d.refclassid = 'pg_catalog.pg_class'::regclass
  join tables t on t.oid = d.refobjid
 group by p.polname, n.nspname, c.relname
union all
select 'outside-default', array[a.attname],
       array[n.nspname, c.relname], null,
       jsonb_build_object('points_to', jsonb_agg(distinct t.shown))
  from pg_catalog.pg_attrdef f
  join pg_catalog.pg_class c on c.oid = f.adrelid
  join others n on n.oid = c.relnamespace
  join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum = f.adnum
  join pg_catalog.pg_depend d
    on d.classid = 'pg_catalog.pg_attrdef'::regclass and d.objid = f.oid
   and d.refclassid = 'pg_catalog.pg_class'::regclass
  join tables t on t.oid = d.refobjid
 group by a.attname, n.nspname, c.relname
union all
select 'bound-function', array[n.nspname, p.proname], null,
       pg_catalog.pg_get_userbyid(p.proowner)::text,
       jsonb_build_object('points_to', jsonb_agg(distinct t.shown))
  from pg_catalog.pg_proc p
  join pg_catalog.pg_namespace n on n.oid = p.pronamespace
  join pg_catalog.pg_depend d
    on d.classid = 'pg_catalog.pg_proc'::regclass and d.objid = p.oid
   and d.refclassid = 'pg_catalog.pg_class'::regclass
  join tables t on t.oid = d.refobjid
 where p.prosqlbody is not null and n.nspname !~ '^(pg_|repot)'
 group by n.nspname, p.proname, p.proowner, p.oid
union all
select 'outside-trigger', array[g.tgname],
       array[n.nspname, c.relname], null,
       jsonb_build_object('function', g.tgfoid::bigint, 'within', p.pronamespace in (select oid from chosen),
                          'enabled', g.tgenabled <> 'D')
  from pg_catalog.pg_trigger g
  join pg_catalog.pg_class c on c.oid = g.tgrelid
  join others n on n.oid = c.relnamespace
  join pg_catalog.pg_proc p on p.oid = g.tgfoid
 where not g.tgisinternal and g.tgparentid = 0
 order by 1, 2, 3
