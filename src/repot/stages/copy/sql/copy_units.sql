-- The units of a move and which of them are done.
select number, "column", lo, hi, done_at is not null
  from repot.chunk where run = %(run)s and move = %(move)s order by number
