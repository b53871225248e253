-- What depends directly on the known objects and is none of them, by pg_depend: one row per object.
-- Views stand for their rules. Tables that are known and no seeds (%(seeds)s: the relations that are)
-- do not count, as in walk.sql.
with known as materialized (
  select s.class, s.oid from unnest(%(classes)s::oid[], %(oids)s::oid[]) s(class, oid)
)
select distinct hop.class::bigint, hop.oid::bigint
  from known k
  join pg_catalog.pg_depend d
    on d.refclassid = k.class and d.refobjid = k.oid and d.deptype in ('n', 'a', 'i', 'P', 'S')
  left join pg_catalog.pg_rewrite w
    on w.oid = case when d.classid = 'pg_catalog.pg_rewrite'::regclass then d.objid end
    and w.ev_type = '1'
 cross join lateral (
       select case when w.oid is null then d.classid else 'pg_catalog.pg_class'::regclass::oid end,
              coalesce(w.ev_class, d.objid)) hop(class, oid)
 where (hop.class, hop.oid) not in (select class, oid from known) -- hashed, however few are expected
   and (k.class <> 'pg_catalog.pg_class'::regclass or k.oid = any (%(seeds)s::oid[])
        or not exists (select from pg_catalog.pg_class c
                        where c.oid = k.oid and c.relkind in ('r', 'p', 'f', 't')))
