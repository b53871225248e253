-- Triggers and rules of users at work on the side that does not serve: they would change what Repot
-- writes there.
select c.oid::bigint as oid, n.nspname as schema, c.relname as name, 'trigger' as what, g.tgname as thing
  from repot.relation r
  join repot.run u on u.id = r.run
   and r.side = case when u.phase = 'cut_over' then 'v1' else 'v2' end
  join pg_catalog.pg_class c on c.oid = r.oid
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  join pg_catalog.pg_trigger g on g.tgrelid = c.oid
 where r.run = %(run)s and not g.tgisinternal and g.tgenabled in ('O', 'A')
   and not pg_catalog.starts_with(g.tgname, 'repot_')
union all
select c.oid::bigint, n.nspname, c.relname, 'rule', w.rulename
  from repot.relation r
  join repot.run u on u.id = r.run
   and r.side = case when u.phase = 'cut_over' then 'v1' else 'v2' end
  join pg_catalog.pg_class c on c.oid = r.oid
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  join pg_catalog.pg_rewrite w on w.ev_class = c.oid
 where r.run = %(run)s and w.ev_enabled <> 'D' and w.ev_type <> '1'
   and not exists (select from repot.ground g
                    where g.run = r.run and g.kind = 'rule' and g.oid = w.oid)
 order by 2, 3, 4, 5
