-- The statements of application.py, each under its name.

-- name: is_v2
select to_regclass('bans') is not null

-- name: claims
select set_config('request.jwt.claims',
                  jsonb_build_object('sub', %(user)s::uuid, 'role', 'authenticated')::text, true)

-- name: sign_up
insert into auth.users (id, aud, role, email, raw_app_meta_data, raw_user_meta_data, created_at,
                        updated_at)
values (gen_random_uuid(), 'authenticated', 'authenticated', %(email)s, '{"provider": "email"}',
        jsonb_build_object('full_name', %(full_name)s::text), now(), now())
returning id

-- name: v1_profile
insert into profiles (id, email, full_name) values (%(user)s, %(email)s, %(full_name)s)

-- name: v1_account
select p.id, coalesce(p.email, a.email), case when p.is_admin then 'admin' else 'user' end,
       p.credits_balance
from profiles p join auth.users a on a.id = p.id where p.id = %(user)s

-- name: v2_account
select p.id, p.email, p.role, p.credits_balance from profiles p where p.id = %(user)s

-- name: v1_buy
with paid as (
  insert into credit_transactions (profile_id, amount, type, description, metadata)
  values (%(user)s, %(amount)s, 'purchase', 'Achat de crédits',
          jsonb_build_object('payment_intent', %(payment)s::text))
  returning id
), paid_again as (
  insert into credits_transactions (profile_id, amount, type, description, metadata)
  values (%(user)s, %(amount)s, 'purchase', 'stripe',
          jsonb_build_object('payment_intent', %(payment)s::text))
), allowed as (
  select set_config('amethyst.credits', 'on', true)
), shown as (
  update profiles p
  set credits_balance = p.credits_balance + %(amount)s, last_credit_update = now()
  from allowed
  where p.id = %(user)s
  returning p.credits_balance
)
select paid.id, shown.credits_balance from paid, shown

-- name: v2_buy
select transaction_id, balance
from add_credits(%(user)s, %(amount)s, 'stripe', 'Achat de crédits', %(payment)s)

-- name: v1_spend
with shown as (
  update profiles p set credits_balance = p.credits_balance - %(amount)s
  where p.id = %(user)s and p.credits_balance >= %(amount)s
  returning p.id, p.credits_balance
), spent as (
  insert into credit_transactions (profile_id, amount, type, description)
  select id, - %(amount)s, 'generation', 'Génération' from shown
  returning id
), spent_again as (
  insert into credits_transactions (profile_id, amount, type)
  select id, %(amount)s, 'usage' from shown
)
select spent.id, shown.credits_balance from spent, shown

-- name: v2_spend
select transaction_id, balance from spend_credits(%(amount)s, 'Génération')

-- name: v2_refund
select transaction_id, balance from refund_credits(%(spent)s, 'Échec de la génération')

-- name: v2_bonus
select transaction_id, balance from add_credits(%(user)s, %(amount)s, 'bonus', 'Geste « commercial »')

-- name: v1_watch
with viewed as (
  insert into ad_views (profile_id, ad_id, view_duration, completed, credits_earned)
  values (%(user)s, %(advert)s, %(seconds)s, %(seconds)s >= 30, 1)
  returning id
), noted as (
  insert into ads_history (profile_id, ad_id, watched_duration, completed, credits_earned, platform)
  values (%(user)s, %(advert)s, %(seconds)s, %(seconds)s >= 30, 1, 'mobile')
), earned as (
  insert into credit_transactions (profile_id, amount, type, metadata)
  select %(user)s, 1, 'ad_reward', jsonb_build_object('ad_view_id', viewed.id) from viewed
), allowed as (
  select set_config('amethyst.credits', 'on', true)
), shown as (
  update profiles p set credits_balance = p.credits_balance + 1, ads_last_watched = now()
  from allowed
  where p.id = %(user)s
  returning p.credits_balance
)
select 1, shown.credits_balance from viewed, shown

-- name: v2_watch
select credits_earned, balance
from handle_ad_view(%(advert)s, %(seconds)s, %(seconds)s >= 30, %(view)s, %(platform)s)

-- name: v1_edit
update profiles set full_name = %(full_name)s, language = %(language)s, updated_at = now()
where id = %(user)s

-- name: v2_edit
update profiles set full_name = %(full_name)s, language = %(language)s where id = %(user)s

-- name: v1_ban
insert into banned_users (email, reason, banned_by) values (%(email)s, %(reason)s, %(admin)s)
on conflict (email) do nothing

-- name: v2_ban
insert into bans (email, reason, banned_by) values (lower(%(email)s), %(reason)s, %(admin)s)
on conflict (email) do nothing

-- name: v1_unban
with emails as (
  delete from banned_emails where lower(email) = lower(%(email)s)
)
delete from banned_users where lower(email) = lower(%(email)s)

-- name: v2_unban
delete from bans where email = lower(%(email)s)

-- name: generate
with file as (
  insert into images (hash, storage_path, width, height, format, file_size_bytes, metadata)
  values (%(hash)s, 'images/' || %(hash)s || '.webp', 1024, 1024, 'webp', 123456, '{"neuf": true}')
  returning id
)
insert into generated_images (user_id, image_id, status, prompt, loras, parameters, credits_cost,
                              completed_at)
select %(user)s, file.id, 'completed', %(prompt)s,
       array['{"name": "détail", "weight": 0.80}', null]::jsonb[], '{"n": 1.50}', 1, now()
from file
returning id

-- name: favorite
update generated_images set is_favorite = not coalesce(is_favorite, false), tags = array['été']
where id = %(image)s
returning is_favorite

-- name: collect
with made as (
  insert into image_collections (user_id, name) values (%(user)s, %(title)s) returning id
)
insert into collection_images (collection_id, image_id, position)
select made.id, %(image)s, 1 from made
returning collection_id

-- name: keep_prompt
insert into prompts (user_id, text, tags, weights)
values (%(user)s, %(text)s, array['neuf'], array[0.5, 1])
returning id

-- name: delete_image
delete from generated_images where id = %(image)s

-- name: erase
delete from auth.users where id = %(user)s

-- name: pick_users
select p.id from profiles p
where p.id >= %(from)s and p.role = 'user' and not p.is_banned order by p.id limit %(n)s

-- name: pick_rich
select p.id from profiles p
where p.id >= %(from)s and not p.is_banned and p.credits_balance >= 10 order by p.id limit %(n)s

-- name: pick_below_zero
select p.id from profiles p
where p.id >= %(from)s and not p.is_banned
  and exists (select from credit_transactions t where t.user_id = p.id and t.kind = 'adjustment')
order by p.id limit %(n)s

-- name: pick_admin
select id from profiles where role = 'admin' and not is_banned order by id limit 1

-- name: pick_ban
select email from bans where id >= %(from)s order by id limit %(n)s

-- name: pick_image
select id from generated_images where id >= %(from)s order by id limit %(n)s

-- name: seen_account
select p.id from profiles p
where p.id = %(user)s and p.email is not distinct from %(email)s and p.full_name = %(full_name)s

-- name: seen_profile
select p.id from profiles p
where p.id = %(user)s and p.full_name = %(full_name)s
  -- V1 keeps its own word for a language that V2 did not change
  and lower(left(coalesce(nullif(p.language, ''), 'fr'), 2)) = %(language)s

-- name: seen_movement
select t.id from credit_transactions t
where t.id = %(transaction)s and t.profile_id = %(user)s and t.amount = %(amount)s

-- name: seen_balance
select p.id from profiles p where p.id = %(user)s and p.credits_balance = %(balance)s

-- name: seen_view
select h.id from ads_history h
where h.profile_id = %(user)s and h.metadata #>> '{v2,client_view_id}' = %(view)s
  and h.credits_earned = %(amount)s and h.watched_duration = %(seconds)s and h.platform = %(platform)s
union all
select v.id from ad_views v
where v.profile_id = %(user)s and v.metadata #>> '{v2,client_view_id}' = %(view)s
  and v.credits_earned = %(amount)s and v.view_duration = %(seconds)s and %(platform)s = 'unknown'

-- name: seen_ban
select email from banned_emails where lower(email) = lower(%(email)s)
union all
select email from banned_users where lower(email) = lower(%(email)s)

-- name: seen_image
select g.id from generated_images g join images i on i.id = g.image_id
where g.id = %(image)s and g.prompt = %(prompt)s and i.hash = %(hash)s

-- name: seen_favorite
select id from generated_images where id = %(image)s and is_favorite = %(liked)s

-- name: seen_any_image
select id from generated_images where id = %(image)s

-- name: seen_collection
select c.id from image_collections c join collection_images l on l.collection_id = c.id
where c.id = %(collection)s and l.image_id = %(image)s and c.name = %(title)s

-- name: seen_prompt
select id from prompts where id = %(prompt)s and text = %(text)s and weights = array[0.5, 1]::float8[]

-- name: seen_anything_of
select id from profiles where id = %(user)s
union all
select id from credit_transactions where profile_id = %(user)s
union all
select id from credits_transactions where profile_id = %(user)s
union all
select id from ad_views where profile_id = %(user)s
union all
select id from generated_images where user_id = %(user)s
