insert into public.tags (id, name)
select
  pg_temp.key('tag', i),
  case when i <= 14 then (array['été', 'ete', 'ÉTÉ', '#été', '🔥', 'e-commerce', 'ecommerce',
                                'E commerce', 'IA', 'ia', 'cœur', 'coeur', 'C++', 'C#'])[i]
    else pg_temp.one_of(array['débutant', 'vidéo', 'vente', 'Pub', 'méthode', 'gratuit'], 310, i)
         || ' ' || i end
from generate_series(1, %(tags)s::bigint) i
