-- The statements of application.py, each under its name.

-- name: sign_up
insert into auth.users (id, aud, role, email, raw_user_meta_data, created_at, updated_at)
values (gen_random_uuid(), 'authenticated', 'authenticated', %(email)s,
        jsonb_build_object('first_name', %(first_name)s::text), now(), now())
returning id

-- name: is_v2
select to_regclass('user_packs') is not null

-- name: v1_account
select p.id, a.email, p.role, p.status from auth.users a join profiles p on p.id = a.id
where a.id = %(id)s

-- name: v2_account
select u.id, u.email, u.role, u.status from users u where u.id = %(id)s

-- name: v1_list
select p.id, p.title, c.name as category, coalesce(s.views, 0) as views,
       (select count(*) from favorites f where f.product_id = p.id) as favorites,
       (select coalesce(array_agg(m.id), '{}') from (
          select id from samples where product_id = p.id order by created_at, id limit 3) m) as samples
from products p
left join categories c on c.id = p.category_id
left join product_stats s on s.product_id = p.id
where p.visibility = 'PUBLIC' and p.status in ('ACTIVE', 'PUBLISHED')
order by coalesce(p.published_at, p.created_at) desc nulls last, p.id
limit %(limit)s

-- name: v2_list
select id, title, category, views_count as views, favorites_count as favorites,
       array(select (x ->> 'id')::uuid from jsonb_array_elements(samples) x) as samples
from published_packs(%(limit)s)

-- name: v1_favorite_add
insert into favorites (user_id, product_id) values (%(user)s, %(pack)s) on conflict do nothing

-- name: v1_favorite_remove
delete from favorites where user_id = %(user)s and product_id = %(pack)s

-- name: v2_favorite_add
insert into favorites (user_id, pack_id) values (%(user)s, %(pack)s) on conflict do nothing

-- name: v2_favorite_remove
delete from favorites where user_id = %(user)s and pack_id = %(pack)s

-- name: v1_edit
update products set title = %(title)s, price = %(price)s, description = %(description)s
where id = %(pack)s

-- name: v2_edit
update packs set title = %(title)s, price = %(price)s, description = %(description)s
where id = %(pack)s

-- name: v1_buy
insert into "_UserPacks" ("A", "B") values (%(pack)s, %(user)s) on conflict do nothing

-- name: v2_buy
insert into user_packs (user_id, pack_id, amount_paid, transaction_id, payment_method)
select %(user)s, p.id, case when %(transaction)s::text is not null then p.price end,
       %(transaction)s, case when %(transaction)s::text is not null then 'card' end
from packs p
where p.id = %(pack)s
on conflict (user_id, pack_id) do nothing

-- name: v1_owned
select "A" from "_UserPacks" where "B" = %(user)s order by 1

-- name: v2_owned
select pack_id from user_packs where user_id = %(user)s and status = 'ACTIVE' order by 1

-- name: v1_create
insert into products (title, price, status, published_at)
values (%(title)s, %(price)s, 'ACTIVE', now()) returning id

-- name: v2_create
insert into packs (title, slug, price, description, status, published_at)
values (%(title)s, %(slug)s, %(price)s, %(description)s, 'PUBLISHED', now()) returning id

-- name: v1_delete_stats
delete from product_stats where product_id = %(pack)s

-- name: v1_delete_favorites
delete from favorites where product_id = %(pack)s

-- name: v1_delete
delete from products where id = %(pack)s

-- name: v2_delete
delete from packs where id = %(pack)s

-- name: v1_log
insert into admin_logs (admin_id, action, target_table, target_id, details)
values (%(admin)s, %(action)s, %(place)s, %(target)s, %(details)s) returning id::text

-- name: v2_log
insert into admin_logs (admin_id, action, resource_type, resource_id, changes)
values (%(admin)s, %(action)s, %(place)s, %(target)s, %(details)s) returning id::text

-- name: v2_erase
select delete_user_gdpr(%(user)s, %(admin)s, %(why)s)

-- name: v2_use_tool
select use_ai_tool(%(user)s, %(tool)s, '{"prompt": "un titre"}')

-- name: pick_users
select id from users where id >= %(from)s order by id limit %(n)s

-- name: pick_admin
select id from users where role <> 'USER' and status = 'ACTIVE' order by id limit 1

-- name: pick_sold
select id from packs p where id >= %(from)s
  and exists (select from user_packs o where o.pack_id = p.id) order by id limit %(n)s

-- name: pick_listed
select id from packs p where id >= %(from)s
  and not exists (select from user_packs o where o.pack_id = p.id)
  and exists (select from favorites f where f.pack_id = p.id) order by id limit %(n)s

-- name: seen_account
select u.id from profiles u where u.id = %(id)s and u.first_name is not distinct from %(first_name)s

-- name: seen_product
select p.id from products p
where p.id = %(id)s and p.title = %(title)s and p.price = %(price)s
  and p.description is not distinct from %(description)s

-- name: seen_pack
select p.id from packs p
where p.id = %(id)s and p.name = %(title)s and p.price::numeric = %(price)s
  and p.description is not distinct from %(description)s

-- name: seen_favorite
select from favorites where user_id = %(user)s and product_id = %(pack)s

-- name: seen_ownership
select from "_UserPacks" where "B" = %(user)s and "A" = %(pack)s

-- name: seen_log
select from admin_logs
where action = %(action)s and admin_id is not distinct from %(admin)s
  and target_table = %(place)s and target_id = %(target)s and details = %(details)s

-- name: seen_any_product
select from products where id = %(id)s
union all
select from packs where id = %(id)s

-- name: seen_any_account
select from profiles where id = %(id)s
