insert into public.images (id, hash, storage_path, public_url, width, height, format,
                           file_size_bytes, is_nsfw, created_at, metadata)
select
  pg_temp.key('image', i), md5('image ' || i),
  'images/' || pg_temp.one_of(array['été', '2024', 'a b'], 140, i) || '/' || i || '.webp',
  case when pg_temp.r(141, i) < 0.6 then 'https://cdn.example.org/' || i || '.webp' end,
  512 + 64 * pg_temp.pick(142, i, 9)::int, 512 + 64 * pg_temp.pick(143, i, 9)::int,
  pg_temp.one_of(array['webp', 'png', 'jpeg'], 144, i), 10000 + pg_temp.pick(145, i, 9000000),
  pg_temp.r(146, i) < 0.03, pg_temp.moment(147, i),
  case when pg_temp.r(148, i) < 0.5 then jsonb_build_object('exif', jsonb_build_object('iso', 100.0)) end
from generate_series(1, %(images)s::bigint) i
