insert into public.categories (id, name, description)
select
  pg_temp.key('category', i),
  case when i <= 16 then (array[
    'Marketing', 'marketing', 'Développement web', 'Developpement Web', 'E-commerce', 'Éducation',
    'Œuvres & création', 'SEO/SEA', '🎯', 'Design ', 'Finance', 'IA', 'I.A.', 'Vidéo', 'Réseaux sociaux',
    'Bien-être'])[i]
    else 'Thème ' || i end,
  case when pg_temp.r(30, i) < 0.7 then pg_temp.prose(31, i) end
from generate_series(1, %(categories)s::bigint) i
