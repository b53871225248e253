-- What the application says to V2, under the same names as in v1.sql. None of it runs on V1: where a
-- statement would, it returns a column that only V2 has.

-- name: profile_edit
update users set first_name = %(first)s, last_name = %(last)s, avatar_url = %(avatar)s
where id = %(id)s

-- name: standing
update users set role = %(role)s, status = %(status)s where id = %(id)s

-- name: user_erase
select delete_user_gdpr(%(id)s, %(id)s)

-- name: user_row_delete
delete from users where id = %(id)s

-- name: user_delete
delete from auth.users where id = %(id)s

-- name: product_create
insert into packs (id, title, slug, description, cover_image_url, price, status, category_id,
                   published_at)
values (%(id)s, %(title)s, %(slug)s, %(description)s, %(cover)s, %(price)s, %(state)s, %(category)s,
        now())

-- name: product_edit
update packs set title = %(title)s, description = %(description)s where id = %(id)s returning slug

-- name: product_slug
update packs set slug = %(slug)s where id = %(id)s

-- name: product_price
update packs set price = %(price)s where id = %(id)s returning slug

-- name: product_state
update packs set status = %(state)s where id = %(id)s

-- name: product_place
update packs set category_id = %(category)s, cover_image_url = %(cover)s where id = %(id)s

-- name: products_delete
delete from packs where id = any(%(ids)s::uuid[]) returning slug

-- name: products_create
insert into packs (id, title, slug, description, price, status)
select n.id, n.title, n.slug, n.description, n.price, 'PUBLISHED'
from unnest(%(ids)s::uuid[], %(titles)s::text[], %(slugs)s::text[], %(descriptions)s::text[],
            %(prices)s::numeric[]) n (id, title, slug, description, price)

-- name: products_reprice
update packs set price = price + %(by)s, cover_image_url = %(cover)s where id = any(%(ids)s::uuid[])

-- name: users_edit
update users set avatar_url = %(avatar)s where id = any(%(ids)s::uuid[])

-- name: buy
insert into user_packs (user_id, pack_id) values (%(user)s, %(pack)s)
on conflict (user_id, pack_id) do nothing

-- name: refund
delete from user_packs where pack_id = %(pack)s and user_id = %(user)s

-- name: favorite
insert into favorites (user_id, pack_id, created_at)
values (%(user)s, %(product)s, %(at)s::timestamp at time zone 'UTC')
on conflict (user_id, pack_id) do update set created_at = excluded.created_at

-- name: unfavorite
delete from favorites where user_id = %(user)s and pack_id = %(product)s

-- name: tag_create
insert into tags (id, name, slug) values (%(id)s, %(name)s, %(slug)s)

-- name: tag_delete
delete from tags where id = %(id)s returning slug

-- name: link
insert into pack_tags (pack_id, tag_id) values (%(product)s, %(tag)s) on conflict do nothing

-- name: unlink
delete from pack_tags where pack_id = %(product)s and tag_id = %(tag)s

-- name: sample_create
insert into samples (id, pack_id, title, file_url, file_type)
values (%(id)s, %(product)s, %(title)s, %(url)s, %(type)s)

-- name: stats_add
insert into pack_stats as s (pack_id, views_count, samples_downloads, purchases_count, last_viewed_at)
values (%(id)s, %(views)s, %(downloads)s, %(purchases)s, now())
on conflict (pack_id) do update
set views_count = s.views_count + excluded.views_count,
    samples_downloads = s.samples_downloads + excluded.samples_downloads,
    purchases_count = s.purchases_count + excluded.purchases_count,
    last_viewed_at = excluded.last_viewed_at

-- name: log
insert into admin_logs (admin_id, action, resource_type, resource_id, changes, created_at)
values (%(admin)s, %(action)s, coalesce(%(place)s::text, '(none)'), %(target)s, %(details)s,
        %(at)s::timestamp at time zone 'UTC')
returning id

-- name: logs_purge
delete from admin_logs
where created_at in (select a at time zone 'UTC' from unnest(%(at)s::timestamp[]) a)
  and resource_id = any(%(targets)s::uuid[])

-- name: idea_create
insert into trending_ideas (id, title, description, category, difficulty, revenue_estimate,
                            trend_score, tags)
values (%(id)s, %(title)s, 'Une idée', 'IA', 'facile', '500€', %(score)s, %(tags)s)

-- name: idea_edit
update trending_ideas set trend_score = %(score)s, is_featured = %(featured)s where id = %(id)s

-- name: idea_tags
update trending_ideas set tags = %(tags)s, trend_score = trend_score where id = %(id)s
