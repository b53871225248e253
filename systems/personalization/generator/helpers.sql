-- Pseudo-randomness that depends on the seed alone: r(stream, i) in [0, 1). Streams keep columns
-- independent. Functions of pg_temp go with the session.
create function pg_temp.r(stream int, i bigint) returns double precision
language sql immutable parallel safe as $$
  select (hashint8extended(i, {seed}::bigint * 1000003 + stream) & 1125899906842623)
           / 1125899906842624::double precision
$$;

-- A whole number in [0, n).
create function pg_temp.pick(stream int, i bigint, n bigint) returns bigint
language sql immutable parallel safe as $$
  select floor(pg_temp.r(stream, i) * n)::bigint
$$;

-- Few are popular: numbers in [0, n), the low ones more often.
create function pg_temp.popular(stream int, i bigint, n bigint) returns bigint
language sql immutable parallel safe as $$
  select floor(power(pg_temp.r(stream, i), 1.6) * n)::bigint
$$;

-- The i-th key of a kind: like Prisma's cuid(), but the same for the same seed.
create function pg_temp.key(kind text, i bigint) returns text
language sql immutable parallel safe as $$
  select 'c' || left(md5({seed}::text || kind || i::text), 24)
$$;

create function pg_temp.one_of(words text[], stream int, i bigint) returns text
language sql immutable parallel safe as $$
  select words[1 + pg_temp.pick(stream, i, cardinality(words))]
$$;

-- Some moment between January 2024 and December 2025, to the millisecond.
create function pg_temp.moment(stream int, i bigint) returns timestamp(3)
language sql immutable parallel safe as $$
  select (timestamp '2024-01-08 08:00:00' + pg_temp.r(stream, i) * interval '60000000 seconds')
         ::timestamp(3)
$$;

-- Product names as brands type them: alike but for case, accents and signs; numbered, so that a
-- number that must be given is taken already; only signs; empty; endless. The first 24 have one of each.
create function pg_temp.product_name(stream int, i bigint) returns text
language sql immutable parallel safe as $$
  select case
    when i <= 14 or pg_temp.r(stream, i) < 0.30 then (array[
      'Mug Été', 'mug ete', 'MUG ÉTÉ', 'Mug  Été ', 'Mug-Été', 'Mug Été !', 'Mug Été 2', 'mug-ete-3',
      'Œuvre d''art', 'Oeuvre d’art', 'Straße', 'Strasse', 'Tee-shirt « Cœur »', 'tee shirt coeur'])
      [case when i <= 14 then i else 1 + pg_temp.pick(stream + 1, i, 14) end]
    when i <= 22 or pg_temp.r(stream, i) < 0.34 then (array[
      '☃', '★★★', '...', '—', 'Привет', '', '   ', '🎁'])
      [case when i <= 22 then i - 14 else 1 + pg_temp.pick(stream + 1, i, 8) end]
    when i <= 24 or pg_temp.r(stream, i) < 0.36
      then repeat('Très longue description qui tient lieu de nom ', 5) || mod(i, 3)
    else pg_temp.one_of(array['Mug', 'Tee-shirt', 'Coussin', 'Bague', 'Carnet', 'Gourde', 'Affiche'],
                        stream + 1, i)
         || ' ' || pg_temp.one_of(array['Été', 'Noël', 'Forêt', 'Océan', 'Minimal', 'à rayures'],
                                  stream + 2, i)
         || case when pg_temp.r(stream + 3, i) < 0.5 then ' ' || pg_temp.pick(stream + 4, i, 200)
                 else '' end
  end
$$;

-- JSON as it comes from forms: nested, with accents, numbers in several forms, empty.
create function pg_temp.options(stream int, i bigint) returns jsonb
language sql immutable parallel safe as $$
  select case
    when pg_temp.r(stream, i) < 0.05 then '{{}}'::jsonb
    when pg_temp.r(stream, i) < 0.07 then '[]'::jsonb
    else jsonb_build_object(
      'texte', pg_temp.one_of(array['Zoé & Léa', 'Bon anniversaire « Papa »', E'deux\nlignes', ''],
                              stream + 1, i),
      'taille', pg_temp.pick(stream + 2, i, 400) / 10.0,
      'couleurs', jsonb_build_array('#ff0000', pg_temp.pick(stream + 3, i, 9)::text))
  end
$$;
