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
written (class, oid, kind, home, relation, name, age) as (
  select tableoid, oid, case relkind when 'v' then 'view' else 'matview' end, relnamespace, oid,
         null::name, pg_catalog.age(xmin)
    from pg_catalog.pg_class where relkind in ('v', 'm')
  union all
  select c.tableoid, c.oid, case c.relkind when 'v' then 'view' else 'matview' end, c.relnamespace,
         c.oid, null, pg_catalog.age(r.xmin)
    from pg_catalog.pg_rewrite r join pg_catalog.pg_class c on c.oid = r.ev_class
   where r.ev_type = '1' and c.relkind in ('v', 'm')
  union all
  select tableoid, oid, 'trigger', null, tgrelid, tgname, pg_catalog.age(xmin)
    from pg_catalog.pg_trigger where not tgisinternal and tgparentid = 0
  union all
  select tableoid, oid, 'rule', null, ev_class, rulename, pg_catalog.age(xmin)
    from pg_catalog.pg_rewrite where ev_type <> '1'
  union all
  select tableoid, oid, 'policy', null, polrelid, polname, pg_catalog.age(xmin)
    from pg_catalog.pg_policy
  union all
  select tableoid, oid, 'foreign key', null, conrelid, conname, pg_catalog.age(xmin)
    from pg_catalog.pg_constraint where contype = 'f' and conparentid = 0
  union all
  select d.tableoid, d.oid, 'default', null, d.adrelid, a.attname, pg_catalog.age(d.xmin)
    from pg_catalog.pg_attrdef d
    join pg_catalog.pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum
  union all
  select tableoid, oid, 'routine', pronamespace, null, proname, pg_catalog.age(xmin)
    from pg_catalog.pg_proc
),
there (class, oid) as (
  select tableoid, oid from pg_catalog.pg_class where oid = any (%(oids)s::oid[])
  union all
  select tableoid, oid from pg_catalog.pg_trigger where oid = any (%(oids)s::oid[])
  union all
  select tableoid, oid from pg_catalog.pg_rewrite where oid = any (%(oids)s::oid[])
  union all
  select tableoid, oid from pg_catalog.pg_policy where oid = any (%(oids)s::oid[])
  union all
  select tableoid, oid from pg_catalog.pg_constraint where oid = any (%(oids)s::oid[])
  union all
  select tableoid, oid from pg_catalog.pg_attrdef where oid = any (%(oids)s::oid[])
  union all
  select tableoid, oid from pg_catalog.pg_proc where oid = any (%(oids)s::oid[])
)
select w.class::bigint, w.oid::bigint, w.kind, k.nspname::text, c.relname::text, w.name::text,
       i.type, i.identity
  from written w
  left join pg_catalog.pg_class c on c.oid = w.relation
  join kept k on k.oid = coalesce(w.home, c.relnamespace)
  left join lateral pg_catalog.pg_identify_object(w.class, w.oid, 0) i on w.kind = 'routine'
 where w.age between (select first from since) and (select last from since)
   and not exists (select from pg_catalog.pg_depend d
                    where d.classid = w.class and d.objid = w.oid and d.deptype = 'e')
union all
select b.class::bigint, b.oid::bigint, null, null, null, null, null, null
  from unnest(%(classes)s::oid[], %(oids)s::oid[]) b(class, oid)
 where (b.class, b.oid) not in (select class, oid from there)
