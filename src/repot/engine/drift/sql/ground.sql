-- Of what was noted (rules of views and tables, functions, values of enums): what is gone, and what
-- is another. `now` null: gone. One line per view.
select g.kind, coalesce(w.ev_class, f.oid, e.enumtypid, g.oid)::bigint as oid, g.name,
       g.version, coalesce(w.version, f.version, e.enumlabel::text) as now
  from repot.ground g
  left join lateral (
         select r.ev_class,
                pg_catalog.concat_ws(' ', pg_catalog.md5(r.ev_action::text), r.ev_enabled) as version
           from pg_catalog.pg_rewrite r
          where g.kind = 'rule' and r.oid = g.oid) w on true
  left join lateral (
         select p.oid, pg_catalog.md5(pg_catalog.concat_ws(
                         ' ', p.prosrc, p.prosqlbody, p.probin, p.provolatile, p.proisstrict,
                         p.proconfig)) as version
           from pg_catalog.pg_proc p
          where g.kind = 'function' and p.oid = g.oid) f on true
  left join pg_catalog.pg_enum e on g.kind = 'label' and e.oid = g.oid
 where g.run = %(run)s and g.kind in ('rule', 'function', 'label')
   and coalesce(w.version, f.version, e.enumlabel::text) is distinct from g.version
union all
-- Partitions in schemas that the plan does not read.
select g.kind, g.oid::bigint, g.name, g.version, null
  from repot.ground g
 where g.run = %(run)s and g.kind = 'table'
   and not exists (select from pg_catalog.pg_class c where c.oid = g.oid)
   and not exists (select from repot.relation r where r.run = g.run and r.oid = g.oid)
 order by 1, 3
