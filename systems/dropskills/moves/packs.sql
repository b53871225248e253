-- Both kinds of product. What V1 hid stays hidden: V2 has no visibility, so a product that is not
-- PUBLIC becomes a draft where its status alone would publish it. V1 showed every row of packs.
-- A date that V1 does not know is 1970-01-01, which no real row has.
select
  p.id,
  p.title,
  s.value as slug,
  p.description,
  p.price,
  p.image_url as cover_image_url,
  p.category_id,
  case
    when p.status in ('ACTIVE', 'PUBLISHED') and p.visibility = 'PUBLIC' then 'PUBLISHED'
    when p.status in ('ACTIVE', 'PUBLISHED', 'DRAFT') then 'DRAFT'
    else 'ARCHIVED'
  end as status,
  p.price = 0 as is_free,
  p.published_at,
  coalesce(p.created_at, timestamptz '1970-01-01 00:00:00+00') as created_at,
  coalesce(p.updated_at, p.created_at, timestamptz '1970-01-01 00:00:00+00') as updated_at
from products p
left join pack_slug s on s.source = 'product' and s.id = p.id
union all
select
  k.id,
  k.name,
  s.value,
  k.description,
  round(k.price::numeric, 2)::numeric(10,2),
  null,
  null,
  'PUBLISHED',
  round(k.price::numeric, 2) = 0,
  k.created_at,
  k.created_at,
  k.updated_at
from packs k
left join pack_slug s on s.source = 'pack' and s.id = k.id
