-- What depends, directly or through others, on the seeds, by pg_depend: one row per object.
-- Views stand for their rules. Tables outside the seeds are named but not walked through: they
-- are never dropped, so what hangs on them is not touched.
with recursive seed as (
  select s.class, s.oid from unnest(%(classes)s::oid[], %(oids)s::oid[]) s(class, oid)
),
reach(class, oid, walk) as (
  select class, oid, true from seed
  union
  select hop.class, hop.oid,
         not exists (select from pg_catalog.pg_class k
                      where hop.class = 'pg_catalog.pg_class'::regclass and k.oid = hop.oid
                        and k.relkind in ('r', 'p', 'f', 't'))
    from reach r
    join pg_catalog.pg_depend d
      on d.refclassid = r.class and d.refobjid = r.oid and d.deptype in ('n', 'a', 'i', 'P', 'S')
    left join pg_catalog.pg_rewrite w
      on w.oid = case when d.classid = 'pg_catalog.pg_rewrite'::regclass then d.objid end
      and w.ev_type = '1'
   cross join lateral (
         select case when w.oid is null then d.classid else 'pg_catalog.pg_class'::regclass::oid end,
                coalesce(w.ev_class, d.objid)) hop(class, oid)
   where r.walk
)
select distinct class::bigint, oid::bigint from reach
except
select class::bigint, oid::bigint from seed
