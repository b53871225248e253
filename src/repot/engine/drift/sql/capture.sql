-- Capture triggers that are missing, or not as they were made: on each captured table and on all
-- below it, where capture must be at work in this phase. After the cutover that of V1 need not be,
-- after a rollback that of V2, unless both sides are written. `known`: the plan has the table;
-- `enabled` null: the trigger is gone (or it is another one of its name).
with recursive expected as (
  select c.run, c.direction, c.oid as top, c.oid, c.oid as parent, 0 as depth
    from repot.capture c
    join repot.run r on r.id = c.run
    left join repot.relation t on t.run = c.run and t.oid = c.oid
   where c.run = %(run)s
     and case when r.both_ways is not null then true
              when c.direction = 'forward' then r.phase <> 'cut_over' or t.side = 'outside'
              else r.phase <> 'rolled_back' end
     -- Those that are captured from the WAL have triggers only where Repot writes them, too.
     and (not c.wal or (c.direction = 'forward' and r.both_ways is not null and t.side = 'v1'))
  union all
  select e.run, e.direction, e.top, i.inhrelid, i.inhparent, e.depth + 1
    from expected e join pg_catalog.pg_inherits i on i.inhparent = e.oid
)
select e.oid::bigint as oid, e.parent::bigint as parent, n.nspname as schema, k.relname as name,
       k.relispartition as partition,
       exists (select from repot.relation r where r.run = %(run)s and r.oid = e.oid) as known,
       v.event, case when f.oid is not null then t.tgenabled::text end as enabled
  from expected e
  join pg_catalog.pg_class k on k.oid = e.oid
  join pg_catalog.pg_namespace n on n.oid = k.relnamespace
 cross join (values ('INSERT', 'ins'), ('UPDATE', 'upd'), ('DELETE', 'del'), ('TRUNCATE', 'trunc'))
            as v (event, suffix)
  left join pg_catalog.pg_trigger t
    on t.tgrelid = e.oid and t.tgname = 'repot_capture_' || v.suffix and not t.tgisinternal
  left join pg_catalog.pg_proc f
    on f.oid = t.tgfoid and f.proname = 'capture_' || e.run || '_' || e.direction || '_' || e.top
   and f.pronamespace = 'repot'::pg_catalog.regnamespace
 where t.tgenabled is distinct from 'A' or f.oid is null
 order by e.depth, n.nspname collate "C", k.relname collate "C", v.event
