-- One value for everything whose change could make wrong or incomplete what is written to the side
-- that follows. %(source)s, %(target)s, %(retired)s: the schemas of the plan.
-- The tables come first, then one line per table and kind of part; keys and triggers of V2 only once
-- it is complete: while it is filled, Repot itself puts them there. pg_attribute's xmin changes with
-- its row alone (statistics are elsewhere); pg_class's would with every grant.
-- Aggregates in LATERAL: few tables out of many, so each is looked up by an index.
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
), wanted as materialized (
  select k.oid, k.side from known k
  union all
  -- What is in the schemas, known or not. pg_class has no index by schema.
  select d.objid, s.side
    from schemas s
    join pg_catalog.pg_depend d
      on d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass and d.refobjid = s.oid
     and d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
   where d.objid not in (select k.oid from known k)
), tables as materialized (
  select c.*, w.side, w.side <> 'v2' or not run.filling as whole,
         -- The side that does not serve must have no triggers at work but Repot's.
         w.side = case when run.switched then 'v1' else 'v2' end and not run.filling as passive
    from wanted w
   cross join run
   cross join lateral (
           select c.oid, c.relname, c.relnamespace, c.relkind, c.relpersistence, c.relrowsecurity,
                  c.relforcerowsecurity, c.relhasrules
             from pg_catalog.pg_class c
            where c.oid = w.oid and c.relkind in ('r', 'p', 'f')
           offset 0) c
), lines (kind, oid, line) as (
  select 1, t.oid,
         pg_catalog.concat_ws(' ', t.relkind, t.relpersistence, t.relrowsecurity,
                              t.relforcerowsecurity, n.nspname, t.relname)
    from tables t join pg_catalog.pg_namespace n on n.oid = t.relnamespace
  union all
  select 2, t.oid, x.line
    from tables t
   cross join lateral (
           select pg_catalog.string_agg(pg_catalog.concat_ws(
                    ' ', a.attnum, a.atttypid, a.atttypmod, a.attnotnull, a.attcollation,
                    'i', a.attidentity, 'g', a.attgenerated, case when t.whole then a.xmin end,
                    a.attname), e'\n' order by a.attnum) as line
             from pg_catalog.pg_attribute a
            where a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped) x
  union all
  -- ALTER CONSTRAINT changes no more than this.
  select 3, t.oid, x.line
    from tables t
   cross join lateral (
           select pg_catalog.string_agg(pg_catalog.concat_ws(
                    ' ', k.oid, k.contype, k.condeferrable, k.condeferred), e'\n' order by k.oid
                  ) as line
             from pg_catalog.pg_constraint k
            where k.conrelid = t.oid and k.contype in ('f', 'c')) x
   where t.whole
  union all
  -- Without the index's oid: REINDEX CONCURRENTLY gives it another.
  select 4, t.oid, x.line
    from tables t
   cross join lateral (
           select pg_catalog.string_agg(pg_catalog.concat_ws(
                    ' ', i.indkey, i.indisprimary, i.indimmediate), e'\n'
                    order by i.indkey::text collate "C", i.indisprimary, i.indimmediate) as line
             from pg_catalog.pg_index i
            where i.indrelid = t.oid and i.indisunique and i.indisvalid) x
   where t.whole
  union all
  select 5, t.oid, x.line
    from tables t
   cross join lateral (
           select pg_catalog.string_agg(i.inhparent::text, ' ' order by i.inhseqno) as line
             from pg_catalog.pg_inherits i where i.inhrelid = t.oid) x
  union all
  -- Capture everywhere; users' triggers on the side that must have none at work.
  select 6, t.oid, x.line
    from tables t
   cross join lateral (
           select pg_catalog.string_agg(pg_catalog.concat_ws(
                    ' ', g.oid, g.tgfoid, g.tgenabled, g.tgname), e'\n' order by g.oid) as line
             from pg_catalog.pg_trigger g
            where g.tgrelid = t.oid and not g.tgisinternal
              and (t.passive or pg_catalog.starts_with(g.tgname, 'repot_capture_'))) x
  union all
  select 7, t.oid, x.line
    from tables t
   cross join lateral (
           select pg_catalog.string_agg(pg_catalog.concat_ws(
                    ' ', r.oid, r.ev_enabled, r.xmin), e'\n' order by r.oid) as line
             from pg_catalog.pg_rewrite r where r.ev_class = t.oid) x
   where t.relhasrules and x.line is not null
  union all
  select 8, g.oid, x.line
    from repot.ground g
   cross join lateral (
           select pg_catalog.concat_ws(' ', r.ev_enabled, r.xmin) as line
             from pg_catalog.pg_rewrite r where r.oid = g.oid
           offset 0) x
   where g.run = %(run)s and g.kind = 'rule'
  union all
  select 9, f.oid,
         pg_catalog.concat_ws(' ', f.provolatile, f.proisstrict, f.proconfig, f.prosrc, f.prosqlbody)
    from repot.ground g join pg_catalog.pg_proc f on f.oid = g.oid
   where g.run = %(run)s and g.kind = 'function'
  union all
  select 10, e.oid, e.enumlabel
    from repot.ground g join pg_catalog.pg_enum e on e.oid = g.oid
   where g.run = %(run)s and g.kind = 'label'
)
select pg_catalog.md5(coalesce(
  pg_catalog.string_agg(pg_catalog.concat_ws(' ', kind, oid, line), e'\n' order by kind, oid), ''))
  from lines
