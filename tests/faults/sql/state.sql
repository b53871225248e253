-- What Repot has noted, as far as it does not depend on how often it was begun.
select 'phase', (select phase from repot.run order by id desc limit 1)
union all
select 'runs', (select count(*)::text from repot.run)
union all
select 'chunks of ' || move, format('%s rows, open %s', sum(rows), count(*) filter (where done_at is null))
  from repot.chunk group by move
union all
select format('deferred %s %s of %s', step, object, "table"), format('done %s', done_at is not null)
  from repot.deferred
union all
select format('capture %s of %s', direction, source), columns::text from repot.capture
union all
select 'evidence of ' || kind, count(*)::text
  from repot.evidence where kind in ('copy', 'cutover', 'rollback', 'swap') group by kind
union all
select 'to restore: ' || what, count(*)::text from repot.restore where done_at is null group by what
