-- Rows inserted, transactions and their time per table. Of the units of one transaction the first
-- carries its rows and milliseconds.
select move, coalesce(sum(rows), 0), count(ms), coalesce(sum(ms), 0)
  from repot.chunk where run = %(run)s group by move order by move
