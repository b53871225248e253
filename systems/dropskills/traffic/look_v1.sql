-- name: user
select k.id::text as k1, a.id is not null and p.id is not null as whole, a.email,
       a.email as account, p.first_name as first, p.last_name as last, p.avatar_url as avatar,
       p.role, p.status,
       to_char(a.last_sign_in_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US') as signed_in
from unnest(%(k1)s::uuid[]) k (id)
left join auth.users a on a.id = k.id
left join profiles p on p.id = k.id
where a.id is not null or p.id is not null

-- name: product
select p.id::text as k1, 'product' as source, p.title, p.description, p.price::text as price,
       p.status || '|' || p.visibility as state, p.category_id::text as category,
       p.image_url as cover
from products p
where p.id = any(%(k1)s::uuid[])
union all
select k.id::text, 'pack', k.name, k.description, k.price::text, null, null, null
from packs k
where k.id = any(%(k1)s::uuid[])

-- name: pack
select k.id::text as k1, 'pack' as source, k.name as title, k.description, k.price::text as price
from packs k
where k.id = any(%(k1)s::uuid[])
union all
select p.id::text, 'product', p.title, p.description, p.price::text
from products p
where p.id = any(%(k1)s::uuid[])

-- name: sample
select s.id::text as k1, s.product_id::text as product, s.title, s.file_url as url
from samples s
where s.id = any(%(k1)s::uuid[])

-- name: tag
select t.id::text as k1, t.name from tags t where t.id = any(%(k1)s::uuid[])

-- name: favorite
select f.user_id::text as k1, f.product_id::text as k2,
       to_char(f.created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US') as at
from unnest(%(k1)s::uuid[], %(k2)s::uuid[]) k (fan, product)
join favorites f on f.user_id = k.fan and f.product_id = k.product

-- name: tagged
select l.product_id::text as k1, l.tag_id::text as k2
from unnest(%(k1)s::uuid[], %(k2)s::uuid[]) k (product, tag)
join products_tags l on l.product_id = k.product and l.tag_id = k.tag

-- name: owned
select o."A"::text as k1, o."B"::text as k2
from unnest(%(k1)s::uuid[], %(k2)s::uuid[]) k (pack, owner)
join "_UserPacks" o on o."A" = k.pack and o."B" = k.owner

-- name: stats
select p.id::text as k1, coalesce(s.views, 0) as views, coalesce(s.downloads, 0) as downloads,
       coalesce(s.purchases, 0) as purchases
from products p
left join product_stats s on s.product_id = p.id
where p.id = any(%(k1)s::uuid[])

-- name: hot_views
select s.product_id::text as k1, s.views as n
from product_stats s
where s.product_id = any(%(k1)s::uuid[])

-- name: log
select l.target_id::text as k1, l.action, l.target_table as place, l.admin_id::text as admin,
       l.details,
       to_char(l.created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US') as at
from admin_logs l
where l.target_id = any(%(k1)s::uuid[])

-- name: idea
select i.id::text as k1, i.title, i."trendScore" as score, i."isFeatured" as featured, i.tags
from trending_ideas i
where i.id = any(%(k1)s::uuid[])

-- name: adopt_user
select id::text from profiles where role not in ('ADMIN', 'SUPER_ADMIN')
order by md5(id::text) limit %(n)s

-- name: adopt_product
select id::text from products order by md5(id::text) limit %(n)s

-- name: adopt_pack
select id::text from packs order by md5(id::text) limit %(n)s

-- name: adopt_tag
select id::text from tags order by md5(id::text) limit %(n)s

-- name: adopt_request
select id::text from product_requests order by md5(id::text) limit %(n)s

-- name: adopt_idea
select id::text from trending_ideas

-- name: adopt_category
select id::text from categories order by id limit 50

-- name: population
select (select count(*) from profiles)::int as "user", (select count(*) from products)::int as product,
       (select count(*) from packs)::int as pack, (select count(*) from tags)::int as tag,
       (select count(*) from product_requests)::int as request
