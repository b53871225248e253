-- Statements that are the same on V1 and V2: a writer may send them without knowing which one serves.

-- name: sign_up
insert into auth.users (id, aud, role, email, raw_user_meta_data, created_at, updated_at)
values (%(id)s, 'authenticated', 'authenticated', %(email)s,
        jsonb_build_object('first_name', %(first)s::text, 'last_name', %(last)s::text), now(), now())

-- name: sign_in
update auth.users set last_sign_in_at = %(at)s::timestamp at time zone 'UTC' where id = %(id)s

-- name: email_change
update auth.users set email = %(email)s, updated_at = now() where id = %(id)s

-- name: tag_rename
update tags set name = %(name)s where id = %(id)s

-- name: sample_rename
update samples set title = %(title)s where id = %(id)s

-- name: sample_delete
delete from samples where id = %(id)s

-- name: request_create
insert into product_requests (id, user_id, title, description, status, source)
values (%(id)s, %(user)s, %(title)s, %(description)s, 'IDEA', 'USER')

-- name: request_edit
update product_requests set title = %(title)s, status = %(status)s where id = %(id)s

-- name: request_votes_delete
delete from product_request_votes where request_id = %(id)s

-- name: request_delete
delete from product_requests where id = %(id)s

-- name: vote
insert into product_request_votes (request_id, user_id, created_at)
values (%(request)s, %(user)s, %(at)s::timestamp at time zone 'UTC')
on conflict (request_id, user_id) do update set created_at = excluded.created_at

-- name: vote_withdraw
delete from product_request_votes where request_id = %(request)s and user_id = %(user)s

-- name: votes_add
update product_requests set votes = votes + %(by)s where id = %(id)s

-- name: ideas_truncate
truncate trending_ideas

-- name: idea_delete
delete from trending_ideas where id = %(id)s

-- name: dialect
select to_regclass('products') is not null, to_regclass('user_packs') is not null

-- name: search_path
select set_config('search_path', %(schema)s, %(local)s)
