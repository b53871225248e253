-- user_id has no foreign key: accounts that are gone left their images behind.
insert into public.generated_images (
  id, user_id, image_id, status, error_message, prompt, negative_prompt, model, style, width, height,
  aspect_ratio, steps, guidance_scale, prompt_strength, seed, num_outputs, output_format,
  output_quality, image_url, thumbnail_url, loras, parameters, tags, credits_cost, generation_ms,
  is_public, is_favorite, is_nsfw, created_at, completed_at, updated_at)
select
  pg_temp.key('generated', i),
  case
    when pg_temp.r(150, i) < 0.003 then null
    when pg_temp.r(150, i) < 0.013 then pg_temp.key('gone user', i)
    else pg_temp.key('user', 1 + pg_temp.popular(151, i, %(users)s))
  end,
  case when s.status = 'completed' and pg_temp.r(152, i) < 0.9
       then pg_temp.key('image', 1 + pg_temp.pick(153, i, %(images)s)) end,
  s.status::public.generation_status,
  case when s.status = 'failed' then pg_temp.one_of(array['NSFW', 'délai dépassé', 'CUDA'], 154, i) end,
  pg_temp.one_of(array['une améthyste, lumière dorée', 'a fox in « space »', 'portrait 🦊', ''], 155, i)
    || ' ' || i,
  case when pg_temp.r(156, i) < 0.3 then 'flou, texte' end,
  pg_temp.one_of(array['flux-dev', 'flux-pro', 'sdxl'], 157, i),
  pg_temp.one_of(array['photo', 'aquarelle', null], 158, i),
  1024, 512 + 64 * pg_temp.pick(159, i, 9)::int,
  pg_temp.one_of(array['1:1', '16:9', '9:16', null], 160, i),
  case when pg_temp.r(161, i) < 0.95 then 20 + pg_temp.pick(162, i, 30)::int end,
  case when pg_temp.r(163, i) < 0.95 then round((pg_temp.r(164, i) * 10)::numeric, 3)::float8 end,
  case when pg_temp.r(165, i) < 0.3 then pg_temp.r(166, i) end,
  case when pg_temp.r(167, i) < 0.8 then pg_temp.pick(168, i, 9000000000000) end,
  1 + pg_temp.pick(169, i, 4)::int, 'webp',
  case when pg_temp.r(170, i) < 0.95 then 90 end,
  case when s.status = 'completed' then 'https://cdn.example.org/g/' || i || '.webp' end,
  case when s.status = 'completed' then 'https://cdn.example.org/t/' || i || '.webp' end,
  case
    when pg_temp.r(171, i) < 0.1 then null
    when pg_temp.r(171, i) < 0.7 then '{}'::jsonb[]
    else array[jsonb_build_object('name', 'détail', 'weight', 0.80), '[1, null]'::jsonb, null]
  end,
  case when pg_temp.r(172, i) < 0.7 then jsonb_build_object('scheduler', 'euler', 'n', 1.50) end,
  case when pg_temp.r(173, i) < 0.5 then array['été', 'a,b', null] when pg_temp.r(173, i) < 0.9 then '{}' end,
  pg_temp.pick(174, i, 11)::int,
  case when s.status = 'completed' then 900 + pg_temp.pick(175, i, 20000)::int end,
  pg_temp.r(176, i) < 0.1, case when pg_temp.r(177, i) < 0.95 then pg_temp.r(177, i) < 0.1 end,
  case when pg_temp.r(178, i) < 0.95 then pg_temp.r(178, i) < 0.03 end,
  pg_temp.moment(179, i),
  case when s.status in ('completed', 'failed')
       then (pg_temp.moment(179, i) + interval '9 seconds') at time zone 'UTC' end,
  case when pg_temp.r(180, i) < 0.7 then pg_temp.moment(179, i) + interval '1 hour' end
from generate_series(1, %(generated)s::bigint) i
cross join lateral (
  select pg_temp.one_of(array['completed', 'completed', 'completed', 'failed', 'processing', 'pending'],
                        181, i) as status
) s
