-- Pseudo-randomness that depends on the seed alone: r(stream, i) in [0, 1). Streams keep columns
-- independent. Functions of pg_temp go with the session.
create function pg_temp.r(stream int, i bigint) returns double precision
language sql immutable parallel safe as $$
  select (hashint8extended(i, {seed} * 1000003 + stream) & 1125899906842623)
           / 1125899906842624::double precision
$$;

-- A whole number in [0, n).
create function pg_temp.pick(stream int, i bigint, n bigint) returns bigint
language sql immutable parallel safe as $$
  select floor(pg_temp.r(stream, i) * n)::bigint
$$;

-- Few are popular: numbers in [0, n), the low ones far more often.
create function pg_temp.popular(stream int, i bigint, n bigint) returns bigint
language sql immutable parallel safe as $$
  select floor(power(pg_temp.r(stream, i), 2.5) * n)::bigint
$$;

-- The i-th key of a kind: like gen_random_uuid()'s, but the same for the same seed.
create function pg_temp.key(kind text, i bigint) returns uuid
language sql immutable parallel safe as $$
  select overlay(overlay(md5({seed}::text || kind || i::text) placing '4' from 13)
                 placing 'a' from 17)::uuid
$$;

create function pg_temp.one_of(words text[], stream int, i bigint) returns text
language sql immutable parallel safe as $$
  select words[1 + pg_temp.pick(stream, i, cardinality(words))]
$$;

-- Some moment between March 2024 and January 2025, to the microsecond; two changes of the clock in it.
create function pg_temp.moment(stream int, i bigint) returns timestamptz
language sql immutable parallel safe as $$
  select timestamptz '2024-03-01 08:00:00+00' + pg_temp.r(stream, i) * interval '28000000 seconds'
$$;

-- A vector of n small numbers.
create function pg_temp.embedding(stream int, i bigint, n int) returns extensions.vector
language sql immutable parallel safe as $$
  select array_agg(round((pg_temp.r(stream, i * 1000 + d) * 2 - 1)::numeric, 5)::real order by d)
           ::extensions.vector
  from generate_series(1, n) d
$$;
