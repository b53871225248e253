-- What the application says to V1. None of it does on V2 what it does not say: where a statement would
-- run there too, it returns a column that only V1 has (as Prisma does with all of its statements).

-- name: profile_edit
update profiles set first_name = %(first)s, last_name = %(last)s, avatar_url = %(avatar)s
where id = %(id)s

-- name: standing
update profiles set role = %(role)s, status = %(status)s where id = %(id)s

-- name: user_votes_delete
delete from product_request_votes where user_id = %(id)s

-- name: user_favorites_delete
delete from favorites where user_id = %(id)s

-- name: user_logs_release
update admin_logs set admin_id = null where admin_id = %(id)s returning target_table

-- name: user_delete
delete from auth.users where id = %(id)s

-- name: product_create
insert into products (id, title, description, image_url, price, visibility, status, creator_id,
                      category_id, published_at)
values (%(id)s, %(title)s, %(description)s, %(cover)s, %(price)s, %(visibility)s, %(status)s,
        %(creator)s, %(category)s, now())

-- name: pack_create
insert into packs (id, name, description, price)
values (%(id)s, %(title)s, %(description)s, %(price)s) returning id, name, description, price

-- name: product_edit
update products set title = %(title)s, description = %(description)s where id = %(id)s

-- name: pack_edit
update packs set name = %(title)s, description = %(description)s where id = %(id)s
returning id, name, description, price

-- name: product_price
update products set price = %(price)s where id = %(id)s

-- name: pack_price
update packs set price = %(price)s where id = %(id)s returning id, name, description, price

-- name: product_state
update products set status = %(status)s, visibility = %(visibility)s where id = %(id)s

-- name: product_place
update products set category_id = %(category)s, image_url = %(cover)s where id = %(id)s

-- name: product_stats_delete
delete from product_stats where product_id = any(%(ids)s::uuid[])

-- name: product_favorites_delete
delete from favorites where product_id = any(%(ids)s::uuid[])

-- name: product_tags_delete
delete from products_tags where product_id = any(%(ids)s::uuid[])

-- name: products_delete
delete from products where id = any(%(ids)s::uuid[])

-- name: pack_delete
delete from packs where id = %(id)s returning id, name, description, price

-- name: products_create
insert into products (id, title, description, price, status)
select n.id, n.title, n.description, n.price, 'PUBLISHED'
from unnest(%(ids)s::uuid[], %(titles)s::text[], %(descriptions)s::text[], %(prices)s::numeric[])
       n (id, title, description, price)

-- name: products_reprice
update products set price = price + %(by)s, image_url = %(cover)s where id = any(%(ids)s::uuid[])

-- name: users_edit
update profiles set avatar_url = %(avatar)s where id = any(%(ids)s::uuid[])

-- name: buy
insert into "_UserPacks" ("A", "B") values (%(pack)s, %(user)s) on conflict do nothing

-- name: refund
delete from "_UserPacks" where "A" = %(pack)s and "B" = %(user)s

-- name: favorite
insert into favorites (user_id, product_id, created_at)
values (%(user)s, %(product)s, %(at)s::timestamp at time zone 'UTC')
on conflict (user_id, product_id) do update set created_at = excluded.created_at

-- name: unfavorite
delete from favorites where user_id = %(user)s and product_id = %(product)s

-- name: tag_create
insert into tags (id, name) values (%(id)s, %(name)s)

-- name: tag_links_delete
delete from products_tags where tag_id = %(id)s

-- name: tag_delete
delete from tags where id = %(id)s

-- name: link
insert into products_tags (product_id, tag_id) values (%(product)s, %(tag)s) on conflict do nothing

-- name: unlink
delete from products_tags where product_id = %(product)s and tag_id = %(tag)s

-- name: sample_create
insert into samples (id, product_id, title, file_url)
values (%(id)s, %(product)s, %(title)s, %(url)s)

-- name: stats_add
insert into product_stats as s (product_id, views, downloads, purchases, last_viewed_at)
values (%(id)s, %(views)s, %(downloads)s, %(purchases)s, now())
on conflict (product_id) do update
set views = s.views + excluded.views, downloads = s.downloads + excluded.downloads,
    purchases = s.purchases + excluded.purchases, last_viewed_at = excluded.last_viewed_at

-- name: log
insert into admin_logs (admin_id, action, target_table, target_id, details, created_at)
values (%(admin)s, %(action)s, %(place)s, %(target)s, %(details)s,
        %(at)s::timestamp at time zone 'UTC')
returning id

-- name: logs_purge
delete from admin_logs
where created_at in (select a at time zone 'UTC' from unnest(%(at)s::timestamp[]) a)
  and target_id = any(%(targets)s::uuid[])

-- name: idea_create
insert into trending_ideas (id, title, description, category, difficulty, "revenueEstimate",
                            "trendScore", tags)
values (%(id)s, %(title)s, 'Une idée', 'IA', 'facile', '500€', %(score)s, %(tags)s)

-- name: idea_edit
update trending_ideas set "trendScore" = %(score)s, "isFeatured" = %(featured)s where id = %(id)s

-- name: idea_tags
update trending_ideas set tags = %(tags)s, "trendScore" = "trendScore" where id = %(id)s
