-- renderId is loose text: a design's key, a customisation's, the id of some job, or nothing that is left.
insert into "RenderResult" ("id", "renderId", "type", "status", "url", "thumbnailUrl", "metadata",
                            "createdAt")
select
  pg_temp.key('render', i),
  case
    when pg_temp.r(200, i) < 0.4 and i <= %(designs)s::bigint then pg_temp.key('design', i)
    when pg_temp.r(200, i) < 0.6 and i <= %(customizations)s::bigint then pg_temp.key('customization', i)
    when pg_temp.r(200, i) < 0.9 then 'render_' || i
    else 'RENDER ' || md5(i::text) || ' (supprimé)'
  end,
  pg_temp.one_of(array['PREVIEW_2D', 'PREVIEW_3D', 'FINAL', 'PRODUCTION'], 201, i)::"RenderType",
  pg_temp.one_of(array['done', 'DONE', 'failed', 'queued'], 202, i),
  case when pg_temp.r(203, i) < 0.7 then 'https://cdn.example.org/r/' || i || '.png' end, null,
  case when pg_temp.r(204, i) < 0.2 then pg_temp.options(205, i) end,
  pg_temp.moment(209, i)
from generate_series(1, %(renders)s::bigint) i
