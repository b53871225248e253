insert into public.image_metadata (id, image_id, content_embedding, style_embedding, color_embedding,
                                   labels, analysis, created_at, updated_at)
select
  pg_temp.key('metadata', i), pg_temp.key('image', 1 + pg_temp.pick(190, i, %(images)s)),
  case when pg_temp.r(191, i) < 0.9 then pg_temp.embedding(192, i, 384) end,
  case when pg_temp.r(193, i) < 0.7 then pg_temp.embedding(194, i, 256) end,
  case when pg_temp.r(195, i) < 0.5 then pg_temp.embedding(196, i, 64) end,
  case when pg_temp.r(197, i) < 0.8 then array['renard', 'été'] end,
  case when pg_temp.r(198, i) < 0.8 then jsonb_build_object('score', 0.90, 'nsfw', false) end,
  pg_temp.moment(199, i), case when pg_temp.r(200, i) < 0.5 then pg_temp.moment(199, i) end
from generate_series(1, %(metadata)s::bigint) i
