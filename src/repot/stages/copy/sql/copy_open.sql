-- What keeps the copy from being complete: units that are not done, moves without any unit,
-- objects that are not put back (triggers are, in the transaction that asks; foreign keys to tables
-- that stay come with the cutover).
select 'rows of ' || move from repot.chunk where run = %(run)s and done_at is null group by move
union all
select 'rows of ' || m from pg_catalog.unnest(%(moves)s::text[]) m
 where not exists (select from repot.chunk c where c.run = %(run)s and c.move = m)
union all
select step || ' ' || object || ' of ' || "table"
  from repot.deferred where run = %(run)s and done_at is null and side = 'v2'
