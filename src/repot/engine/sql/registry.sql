-- How texts become slugs. The bodies are bound when they are made (SQL-standard bodies), so they
-- mean the same under every search_path; they depend on no locale. The database must be UTF8.
create schema if not exists repot_registry;

-- ASCII letters and digits, lower case, joined by single hyphens; '' where nothing is left.
-- 1. NFKD, then combining marks go: É → E, ﬁ → fi, ² → 2.   2. Lower case (of ASCII alone: after
-- step 1 no other letter needs it).   3. Letters that NFKD does not take apart are spelled out.
-- 4. Every run of other characters becomes one hyphen; none stays at either end.
create or replace function repot_registry.slugify(value text) returns text
  language sql immutable parallel safe
  return pg_catalog.btrim(
    pg_catalog.regexp_replace(
      case when pg_catalog.octet_length(value) = pg_catalog.char_length(value)
        then pg_catalog.lower(value collate "C")
        else pg_catalog.replace(pg_catalog.replace(pg_catalog.replace(pg_catalog.replace(
          pg_catalog.replace(
            pg_catalog.translate(
              pg_catalog.lower(
                pg_catalog.regexp_replace(
                  pg_catalog.normalize(value, 'NFKD'),
                  '[\u0300-\u036F\u1AB0-\u1AFF\u1DC0-\u1DFF\u20D0-\u20FF\uFE20-\uFE2F]', '', 'g'
                ) collate "C"),
              'ØøŁłĐđÐðĦħŦŧıĸƒŒÆÞŊẞ', 'oollddddhhttikfœæþŋß'),
            'œ', 'oe'), 'æ', 'ae'), 'þ', 'th'), 'ŋ', 'ng'), 'ß', 'ss')
      end,
      '[^a-z0-9]+', '-', 'g'),
    '-');

-- What a slug is made of before it gets a number: at most max_length - 8 characters (half of
-- max_length where that is less than 16), so that '-2' to '-9999999' still fit.
create or replace function repot_registry.slug_base(value text, max_length integer, fallback text)
  returns text
  language sql immutable parallel safe
  return coalesce(
    nullif(pg_catalog.rtrim(pg_catalog."left"(repot_registry.slugify(value),
      max_length - least(8, max_length / 2)), '-'), ''),
    pg_catalog."left"(fallback, max_length - least(8, max_length / 2)));

-- 'guitar-12' → 12; null where the slug ends in no number from 2 to 999999999.
create or replace function repot_registry.slug_number(value text) returns integer
  language sql immutable parallel safe
  return case when value ~ '-([2-9]|[1-9][0-9]{1,8})$'
    then pg_catalog.substr(value, pg_catalog.length(pg_catalog.rtrim(value, '0123456789')) + 1)
         ::integer
  end;

-- 'guitar-12' → 'guitar'. Of a slug that has a slug_number; else it means nothing. Indexed: it is
-- much cheaper than slug_number.
create or replace function repot_registry.slug_stem(value text) returns text
  language sql immutable parallel safe
  return pg_catalog."left"(pg_catalog.rtrim(value, '0123456789'), -1);
