insert into public.samples (id, product_id, title, file_url, created_at)
select
  pg_temp.key('sample', i),
  case when pg_temp.r(90, i) >= 0.004
       then pg_temp.key('product', 1 + pg_temp.pick(91, i, %(products)s)) end,
  'Extrait ' || i,
  'https://cdn.example.org/' || pg_temp.one_of(array['extraits', 'v1.2', 'Été'], 92, i) || '/' || i
    || pg_temp.one_of(array[
      '.mp4', '.MP4', '.mov', '.mp3', '.WAV', '.wav', '.pdf', '.PDF', '.png', '.jpg', '.JPEG', '.webp',
      '.pdf?token=abc.def', '.mp4?name=a.pdf', '.jpg?file=cours.mp3', '.Mov#t=12.5', '.mp4.jpg', '',
      '.pdf/', '.mp3?'], 93, i),
  case when pg_temp.r(94, i) >= 0.02 then pg_temp.moment(95, i) end
from generate_series(1, %(samples)s::bigint) i
