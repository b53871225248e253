-- What is not PUBLIC was never published either: whoever hid a product did both.
insert into public.products (id, title, description, image_url, price, visibility, status, creator_id,
                             category_id, published_at, created_at, updated_at)
select
  pg_temp.key('product', i),
  pg_temp.title(100, i),
  case when pg_temp.r(40, i) < 0.9 then pg_temp.prose(41, i) end,
  case when pg_temp.r(44, i) < 0.8 then 'https://cdn.example.org/covers/' || i || '.webp' end,
  case when pg_temp.r(45, i) < 0.08 then 0 else (pg_temp.pick(46, i, 49900) / 100.0) end,
  case when pg_temp.r(47, i) >= 0.85 and pg_temp.r(48, i) < 0.3
       then pg_temp.one_of(array['PRIVATE', 'UNLISTED', 'private'], 49, i) else 'PUBLIC' end,
  case
    when pg_temp.r(47, i) < 0.70 then 'ACTIVE'
    when pg_temp.r(47, i) < 0.85 then 'PUBLISHED'
    when pg_temp.r(47, i) < 0.94 then 'DRAFT'
    when pg_temp.r(47, i) < 0.97 then 'SUSPENDED'
    else 'archived'
  end,
  case when pg_temp.r(50, i) < 0.9
       then pg_temp.key('user', 1 + %(bare)s + pg_temp.popular(51, i, %(users)s::bigint - %(bare)s)) end,
  case when pg_temp.r(52, i) < 0.92
       then pg_temp.key('category', 1 + pg_temp.pick(53, i, %(categories)s)) end,
  case when pg_temp.r(54, i) < 0.82 then pg_temp.moment(55, i) + interval '1 day' end,
  case when pg_temp.r(56, i) >= 0.01 then pg_temp.moment(55, i) end,
  case when pg_temp.r(57, i) >= 0.05 then pg_temp.moment(55, i) + interval '3 days' end
from generate_series(1, %(products)s::bigint) i
