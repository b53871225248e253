-- What a file of outside/ may make or change and has a row of the catalogs that was written by this
-- transaction at or after the subtransaction %(since)s, outside of the schemas %(except)s; and of
-- the objects %(classes)s, %(oids)s those that are gone (kind NULL). Rows that other transactions
-- have written since then are among them, and may be some that are frozen and very old.
with since as materialized (
  select pg_catalog.age(%(since)s::xid) as last, pg_catalog.age(%(since)s::xid) - 1000000 as first
),
kept as materialized (
  select oid, nspname from pg_catalog.pg_namespace
   where nspname <> all (%(except)s) and nspname !~ '^pg_' and nspname <> 'information_schema'
     and nspname !~ '^repot_aside_'
),
written (class, oid, kind, relation, name) as (
  select 'pg_catalog.pg_class'::regclass::oid, c.oid,
         case c.relkind when 'v' then 'view' else 'matview' end, c.oid, null::name
    from pg_catalog.pg_class c
   where c.relkind in ('v', 'm') and pg_catalog.age(c.xmin) between (select first from since) and (select last from since)
  union
  select 'pg_catalog.pg_class'::regclass, c.oid,
         case c.relkind when 'v' then 'view' else 'matview' end, c.oid, null
    from pg_catalog.pg_rewrite r join pg_catalog.pg_class c on c.oid = r.ev_class
   where r.ev_type = '1' and c.relkind in ('v', 'm')
     and pg_catalog.age(r.xmin) between (select first from since) and (select last from since)
  union all
  select 'pg_catalog.pg_trigger'::regclass, oid, 'trigger', tgrelid, tgname
    from pg_catalog.pg_trigger
   where not tgisinternal and tgparentid = 0 and pg_catalog.age(xmin) between (select first from since) and (select last from since)
  union all
  select 'pg_catalog.pg_rewrite'::regclass, oid, 'rule', ev_class, rulename
    from pg_catalog.pg_rewrite
   where ev_type <> '1' and pg_catalog.age(xmin) between (select first from since) and (select last from since)
  union all
  select 'pg_catalog.pg_policy'::regclass, oid, 'policy', polrelid, polname
    from pg_catalog.pg_policy where pg_catalog.age(xmin) between (select first from since) and (select last from since)
  union all
  select 'pg_catalog.pg_constraint'::regclass, oid, 'foreign key', conrelid, conname
    from pg_catalog.pg_constraint
   where contype = 'f' and conparentid = 0 and pg_catalog.age(xmin) between (select first from since) and (select last from since)
  union all
  select 'pg_catalog.pg_attrdef'::regclass, d.oid, 'default', d.adrelid, a.attname
    from pg_catalog.pg_attrdef d
    join pg_catalog.pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum
   where pg_catalog.age(d.xmin) between (select first from since) and (select last from since)
)
select w.class::bigint, w.oid::bigint, w.kind, k.nspname::text, c.relname::text, w.name::text,
       null::text as type, null::text as identity
  from written w
  join pg_catalog.pg_class c on c.oid = w.relation
  join kept k on k.oid = c.relnamespace
 where not exists (select from pg_catalog.pg_depend d
                    where d.classid = w.class and d.objid = w.oid and d.deptype = 'e')
union all
select 'pg_catalog.pg_proc'::regclass::oid::bigint, p.oid::bigint, 'routine', k.nspname::text, null,
       p.proname::text, i.type, i.identity
  from pg_catalog.pg_proc p
  join kept k on k.oid = p.pronamespace
 cross join lateral pg_catalog.pg_identify_object('pg_catalog.pg_proc'::regclass, p.oid, 0) i
 where not exists (select from pg_catalog.pg_depend d
                    where d.classid = 'pg_catalog.pg_proc'::regclass and d.objid = p.oid
                      and d.deptype = 'e')
   and pg_catalog.age(p.xmin) between (select first from since) and (select last from since)
union all
select b.class::bigint, b.oid::bigint, null, null, null, null, null, null
  from unnest(%(classes)s::oid[], %(oids)s::oid[]) b(class, oid)
 where case b.class
       when 'pg_catalog.pg_class'::regclass
       then not exists (select from pg_catalog.pg_class c where c.oid = b.oid)
       when 'pg_catalog.pg_trigger'::regclass
       then not exists (select from pg_catalog.pg_trigger c where c.oid = b.oid)
       when 'pg_catalog.pg_rewrite'::regclass
       then not exists (select from pg_catalog.pg_rewrite c where c.oid = b.oid)
       when 'pg_catalog.pg_policy'::regclass
       then not exists (select from pg_catalog.pg_policy c where c.oid = b.oid)
       when 'pg_catalog.pg_constraint'::regclass
       then not exists (select from pg_catalog.pg_constraint c where c.oid = b.oid)
       when 'pg_catalog.pg_attrdef'::regclass
       then not exists (select from pg_catalog.pg_attrdef c where c.oid = b.oid)
       when 'pg_catalog.pg_proc'::regclass
       then not exists (select from pg_catalog.pg_proc c where c.oid = b.oid)
       end
