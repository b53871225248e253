insert into public.trending_ideas (id, title, description, category, difficulty, "revenueEstimate",
                                   "trendScore", tags, "isActive", "isFeatured", created_at, updated_at)
select
  pg_temp.key('idea', i), pg_temp.title(500, i), pg_temp.prose(390, i),
  pg_temp.one_of(array['Marketing', 'IA', 'Vidéo'], 393, i),
  pg_temp.one_of(array['facile', 'Moyen', 'difficile'], 394, i),
  pg_temp.one_of(array['1 000 – 5 000 €/mois', '500€', '> 10k', '?'], 395, i),
  pg_temp.pick(396, i, 101)::int,
  case when pg_temp.r(397, i) < 0.6
    then format('["%%s", "tendance %%s"]', pg_temp.one_of(array['ia', 'été', 'd\u00e9but', 'a\"b'], 398, i), i)
    else (array['seo, marketing', '["ia","seo"]', ' [ "espace" ] ', '[]', '', '{"niveau": 2, "ok": true}',
                '"seul"', '42', 'null', '[cassé', '[''simple'']', '["a", ["b"]]', '{"a": {"b": 1}}',
                '["\u0000"]', '["\ud83d"]', '["virgule",]', E'["tab\t"]', '[01]', '🔥', null])
         [1 + pg_temp.pick(399, i, 20)]
  end,
  pg_temp.r(410, i) < 0.9, pg_temp.r(411, i) < 0.05, pg_temp.moment(412, i),
  pg_temp.moment(412, i) + interval '5 days'
from generate_series(1, %(ideas)s::bigint) i
