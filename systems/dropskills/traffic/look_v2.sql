-- name: user
select k.id::text as k1, a.id is not null and u.id is not null as whole,
       nullif(u.email, u.id || '@no-email.invalid') as email, a.email as account,
       u.first_name as first, u.last_name as last, u.avatar_url as avatar, u.role, u.status,
       to_char(u.last_login_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US') as signed_in
from unnest(%(k1)s::uuid[]) k (id)
left join auth.users a on a.id = k.id
left join users u on u.id = k.id
where a.id is not null or u.id is not null

-- name: product
select p.id::text as k1, p.title, p.slug, p.description, p.price::text as price, p.status as state,
       p.category_id::text as category, p.cover_image_url as cover
from packs p
where p.id = any(%(k1)s::uuid[])

-- name: pack
select p.id::text as k1, p.title, p.slug, p.description, p.price::text as price
from packs p
where p.id = any(%(k1)s::uuid[])

-- name: sample
select s.id::text as k1, s.pack_id::text as product, s.title, s.file_url as url
from samples s
where s.id = any(%(k1)s::uuid[])

-- name: tag
select t.id::text as k1, t.name, t.slug from tags t where t.id = any(%(k1)s::uuid[])

-- name: favorite
select f.user_id::text as k1, f.pack_id::text as k2,
       to_char(f.created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US') as at
from unnest(%(k1)s::uuid[], %(k2)s::uuid[]) k (fan, product)
join favorites f on f.user_id = k.fan and f.pack_id = k.product

-- name: tagged
select l.pack_id::text as k1, l.tag_id::text as k2
from unnest(%(k1)s::uuid[], %(k2)s::uuid[]) k (product, tag)
join pack_tags l on l.pack_id = k.product and l.tag_id = k.tag

-- name: owned
select o.pack_id::text as k1, o.user_id::text as k2
from unnest(%(k1)s::uuid[], %(k2)s::uuid[]) k (pack, owner)
join user_packs o on o.pack_id = k.pack and o.user_id = k.owner

-- name: stats
select p.id::text as k1, coalesce(s.views_count, 0) as views,
       coalesce(s.samples_downloads, 0) as downloads, coalesce(s.purchases_count, 0) as purchases
from packs p
left join pack_stats s on s.pack_id = p.id
where p.id = any(%(k1)s::uuid[])

-- name: hot_views
select s.pack_id::text as k1, s.views_count as n
from pack_stats s
where s.pack_id = any(%(k1)s::uuid[])

-- name: log
select l.resource_id::text as k1, l.action, nullif(l.resource_type, '(none)') as place,
       l.admin_id::text as admin, l.changes as details,
       to_char(l.created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US') as at
from admin_logs l
where l.resource_id = any(%(k1)s::uuid[])

-- name: idea
select i.id::text as k1, i.title, i.trend_score as score, i.is_featured as featured, i.tags
from trending_ideas i
where i.id = any(%(k1)s::uuid[])

-- name: counts
select 'favorites_count of pack ' || p.id, s.favorites_count as kept,
       (select count(*) from favorites f where f.pack_id = p.id) as counted
from packs p
join pack_stats s on s.pack_id = p.id
where p.id = any(%(products)s::uuid[])
union all
select 'purchases_count of pack ' || p.id, s.purchases_count,
       (select count(*) from user_packs o where o.pack_id = p.id)
from packs p
join pack_stats s on s.pack_id = p.id
where p.id = any(%(packs)s::uuid[])
union all
select 'usage_count of tag ' || t.id, t.usage_count,
       (select count(*) from pack_tags l where l.tag_id = t.id)
from tags t
where t.id = any(%(tags)s::uuid[])

-- name: adopt_user
select u.id::text from users u
where role = 'USER'
  and (exists (select from favorites f where f.user_id = u.id)
       or exists (select from user_packs o where o.user_id = u.id))
order by md5(u.id::text) limit %(n)s

-- name: adopt_product
select p.id::text from packs p
where exists (select from favorites f where f.pack_id = p.id)
  and not exists (select from user_packs o where o.pack_id = p.id)
order by md5(p.id::text) limit %(n)s

-- name: adopt_pack
select p.id::text from packs p
where exists (select from user_packs o where o.pack_id = p.id)
order by md5(p.id::text) limit %(n)s

-- name: adopt_tag
select id::text from tags order by md5(id::text) limit %(n)s

-- name: adopt_request
select id::text from product_requests order by md5(id::text) limit %(n)s

-- name: adopt_idea
select id::text from trending_ideas

-- name: adopt_category
select id::text from categories order by id limit 50

-- name: population
select (select count(*) from users)::int as "user", (select count(*) from packs)::int as product,
       (select count(*) from packs p
        where exists (select from user_packs o where o.pack_id = p.id))::int as pack,
       (select count(*) from tags)::int as tag, (select count(*) from product_requests)::int as request
