-- One value for everything whose change could make wrong or incomplete what is written to the side
-- that follows. %(source)s, %(target)s, %(retired)s: the schemas of the plan.
-- The tables come first, then one line per part of them; keys and triggers of V2 only once it is
-- complete: while it is filled, Repot itself puts them there. pg_attribute's xmin changes with its
-- row alone (statistics are elsewhere), pg_class's does not count at all.
with recursive run as materialized (
  select r.phase = 'cut_over' as switched, r.phase in ('planned', 'copying') as filling
    from repot.run r where r.id = %(run)s
), schemas as materialized (
  select n.oid, case when n.nspname = case when run.switched then %(retired)s else %(source)s end
                     then 'v1' else 'v2' end as side
    from pg_catalog.pg_namespace n, run
   where n.nspname in (case when run.switched then %(retired)s else %(source)s end,
                       case when run.switched then %(source)s else %(target)s end)
), known as materialized (
  select r.oid, r.side from repot.relation r where r.run = %(run)s
  union
  select i.inhrelid, k.side from known k join pg_catalog.pg_inherits i on i.inhparent = k.oid
), tables as materialized (
  select c.oid, c.relname, n.nspname, c.relkind, c.relpersistence, c.relhasrules,
         c.relrowsecurity, c.relforcerowsecurity, coalesce(k.side, s.side) as side
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    left join known k on k.oid = c.oid
    left join schemas s on s.oid = c.relnamespace and c.relkind in ('r', 'p')
                       and c.relpersistence <> 't'
   where k.oid is not null or s.oid is not null
), whole as materialized (
  select t.oid, t.side, t.relhasrules, (t.side = 'v1') = run.switched and t.side <> 'outside' as passive
    from tables t, run where t.side <> 'v2' or not run.filling
), lines (kind, one, two, line) as (
  select 1, t.oid, 0::oid,
         pg_catalog.concat_ws(' ', t.relkind, t.relpersistence, t.relrowsecurity,
                              t.relforcerowsecurity, t.nspname, t.relname)
    from tables t
  union all
  select 2, a.attrelid, a.attnum::integer::oid,
         pg_catalog.concat_ws(' ', a.atttypid, a.atttypmod, a.attnotnull, a.attcollation, d.oid,
                              'i', a.attidentity, 'g', a.attgenerated,
                              case when w.oid is not null then a.xmin end, a.attname)
    from tables t
    join pg_catalog.pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
    left join whole w on w.oid = t.oid
    left join pg_catalog.pg_attrdef d on a.atthasdef and d.adrelid = a.attrelid and d.adnum = a.attnum
  union all
  -- ALTER CONSTRAINT changes no more than this.
  select 3, k.conrelid, k.oid, pg_catalog.concat_ws(' ', k.contype, k.condeferrable, k.condeferred)
    from whole w join pg_catalog.pg_constraint k on k.conrelid = w.oid
   where k.contype in ('f', 'c')
  union all
  -- Without the index's oid: REINDEX CONCURRENTLY gives it another.
  select distinct 4, i.indrelid, 0::oid,
         pg_catalog.concat_ws(' ', i.indkey, i.indisprimary, i.indimmediate)
    from whole w join pg_catalog.pg_index i on i.indrelid = w.oid
   where i.indisunique and i.indisvalid
  union all
  select 5, i.inhrelid, i.inhparent, null
    from tables t join pg_catalog.pg_inherits i on i.inhrelid = t.oid
  union all
  -- Capture everywhere; users' triggers on the side that must not have any at work.
  select 6, g.tgrelid, g.oid, pg_catalog.concat_ws(' ', g.tgfoid, g.tgenabled, g.tgname)
    from tables t
    join pg_catalog.pg_trigger g on g.tgrelid = t.oid and not g.tgisinternal
    left join whole w on w.oid = t.oid
   where w.passive or pg_catalog.starts_with(g.tgname, 'repot_capture_')
  union all
  select 7, r.ev_class, r.oid, pg_catalog.concat_ws(' ', r.ev_enabled, r.xmin)
    from pg_catalog.pg_rewrite r
   where r.oid in (select g.oid from repot.ground g where g.run = %(run)s and g.kind = 'rule')
      or r.ev_class in (select w.oid from whole w where w.relhasrules)
  union all
  select 8, f.oid, 0,
         pg_catalog.concat_ws(' ', f.provolatile, f.proisstrict, f.proconfig, f.prosrc, f.prosqlbody)
    from repot.ground g join pg_catalog.pg_proc f on f.oid = g.oid
   where g.run = %(run)s and g.kind = 'function'
  union all
  select 9, e.oid, 0, e.enumlabel
    from repot.ground g join pg_catalog.pg_enum e on e.oid = g.oid
   where g.run = %(run)s and g.kind = 'label'
)
select pg_catalog.md5(coalesce(
  pg_catalog.string_agg(pg_catalog.concat_ws(' ', kind, one, two, line), e'\n'
                        order by kind, one, two, line collate "C"), ''))
  from lines
