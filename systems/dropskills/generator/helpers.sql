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

-- Some moment between March 2023 and October 2025, to the microsecond.
create function pg_temp.moment(stream int, i bigint) returns timestamptz
language sql immutable parallel safe as $$
  select timestamptz '2023-03-01 08:00:00+00' + pg_temp.r(stream, i) * interval '81000000 seconds'
$$;

-- Titles as people type them: alike but for case, accents and signs; empty; only emoji; endless.
create function pg_temp.title(stream int, i bigint) returns text
language sql immutable parallel safe as $$
  select case
    when pg_temp.r(stream, i) < 0.04 then pg_temp.one_of(array[
      'Pack Été', 'pack ete', 'PACK ÉTÉ !!!', 'Pack  Été ', 'Pack-Eté', 'pack_été', 'Pack Été',
      'Cœur de métier', 'Coeur de metier', 'CŒUR DE MÉTIER', 'Façade & Décor', 'Facade et decor',
      'L''art de vendre', 'L’art de vendre', 'L art de vendre', 'Straße zum Erfolg',
      'Strasse zum Erfolg', 'El niño emprendedor', 'Łódź Startup', 'C++ / C#', 'C', '100 % libre',
      '100% Libre', 'Ça marche…', 'ca marche', '   Espace   ', 'ﬁnance facile', 'Finance facile',
      'TOP SECRET', 'top-secret', 'Top--Secret!', 'naïf', 'Naif', 'e-mail', 'email'],
      stream + 1, i)
    when pg_temp.r(stream, i) < 0.043 then pg_temp.one_of(array[
      '🔥', '🔥🔥🔥', '🚀', '💰💸', '👩‍💻', '🇫🇷', '…', '???', '日本語', 'Привет', 'مرحبا'],
      stream + 1, i)
    when pg_temp.r(stream, i) < 0.045 then ''
    when pg_temp.r(stream, i) < 0.047 then
      repeat('La méthode complète pour réussir, étape après étape, ', 6 + pg_temp.pick(stream + 2, i, 9)::int)
    else
      case when pg_temp.r(stream + 3, i) < 0.02 then '  ' else '' end
      || pg_temp.one_of(array[
        'Réussir', 'Maîtriser', 'Créer', 'Vendre', 'Automatiser', 'Développer', 'Démarrer',
        'Monétiser', 'Comprendre', 'Optimiser', 'RÉUSSIR', 'Apprendre', 'Lancer', 'Bâtir'],
        stream + 4, i) || ' '
      || pg_temp.one_of(array[
        'sa boutique', 'son tunnel de vente', 'le dropshipping', 'ses publicités', 'le SEO',
        'son image de marque', 'l''e-mailing', 'ses réseaux', 'TikTok Shop', 'un podcast',
        'sa trésorerie', 'l''IA générative', 'la photo produit', 'son œuvre', 'le SAV',
        'ses prix', 'un cours en ligne', 'le référencement naturel', 'sa chaîne vidéo'],
        stream + 5, i)
      || case when pg_temp.r(stream + 6, i) < 0.75
              then ' ' || pg_temp.one_of(array['n° ', '#', 'v', '– niveau ', 'en ', '(', 'vol. '],
                                         stream + 7, i)
                   || pg_temp.pick(stream + 8, i, 4000)
                   || case when pg_temp.r(stream + 9, i) < 0.1 then ' 🚀' else '' end
              else '' end
      || case when pg_temp.r(stream + 3, i) between 0.02 and 0.04 then ' ' else '' end
  end
$$;

create function pg_temp.prose(stream int, i bigint) returns text
language sql immutable parallel safe as $$
  select 'Une formation ' || pg_temp.one_of(array['complète', 'courte', 'pratique', 'avancée'],
                                            stream, i)
         || ' pour ' || pg_temp.one_of(array['débuter', 'progresser', 'gagner du temps',
                                             'vendre « mieux »'], stream + 1, i)
         || case when pg_temp.r(stream + 2, i) < 0.1 then E'.\n\nBonus :\t100 % offert' else '.' end
$$;
