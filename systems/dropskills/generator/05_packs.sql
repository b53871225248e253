-- Floats for money: sums of cents that went through double precision. Some packs are twins of a
-- product (same title), and every fortieth is the twin of the pack before it.
insert into public.packs (id, name, description, price, created_at, updated_at)
select
  pg_temp.key('pack', i),
  case
    when mod(i, 40) = 0 then pg_temp.title(200, i - 1)
    when pg_temp.r(60, i) < 0.1 then pg_temp.title(100, 1 + pg_temp.pick(61, i, %(products)s))
    else pg_temp.title(200, i)
  end,
  case when pg_temp.r(62, i) < 0.85 then pg_temp.prose(63, i) end,
  case
    when pg_temp.r(66, i) < 0.3 then (array[19.989999999999998, 0.1::float8 + 0.2::float8, 29.900000000000002,
                                            99.99000000000001, 0, '-0'::float8, 1e-9, 49.5])
                                     [1 + pg_temp.pick(67, i, 8)]
    else pg_temp.pick(68, i, 29900) * 0.01::float8
  end,
  pg_temp.moment(69, i),
  pg_temp.moment(69, i) + pg_temp.r(70, i) * interval '60 days'
from generate_series(1, %(packs)s::bigint) i
