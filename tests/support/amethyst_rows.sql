-- A few rows in every table of V2: of four users and two administrators, public ones and private ones.
insert into auth.users (id, email)
select ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, 'person' || n || '@example.com'
from generate_series(1, 6) n;
select set_role(id, 'admin') from profiles where email in ('person5@example.com', 'person6@example.com');

insert into bans (email, reason, banned_by)
select 'banned' || n || '@example.com', 'spam', (select id from profiles where role = 'admin' limit 1)
from generate_series(1, 3) n;
insert into oauth_tokens (user_id, provider, access_token, refresh_token)
select id, p, 'secret', 'secret' from profiles, unnest(array['google', 'github']) p;
insert into subscription_history (user_id, tier, status) select id, 'pro', 'active' from profiles;

select add_credits(id, 100, 'stripe', 'a pack', 'evt_' || id) from profiles;
select add_credits(id, n, 'bonus', 'a gift') from profiles, generate_series(1, 3) n;
select record_ad_view(id, 'advert', 10 * n, true, 'view ' || n, 'web')
from profiles, generate_series(1, 3) n;
insert into credit_sources (user_id, kind, amount) select id, 'reward', 3 from profiles;
with gone as (delete from credit_transactions where amount = 1 returning *)
insert into credit_transactions_archive select g.*, now() from gone g;

insert into images (hash, storage_path, width, height, format, file_size_bytes)
select p.email || n, 'files/' || p.email || n, 8, 8, 'webp', 100 from profiles p, generate_series(1, 4) n;
insert into image_embeddings (image_id, labels) select id, '{cat}' from images;
insert into generated_images (user_id, image_id, prompt, tags, status, is_public, is_nsfw)
select p.id, i.id, 'a cat', array['cat', n::text], 'completed', n > 1, n = 3
from profiles p, generate_series(1, 3) n, images i
where i.hash = p.email || n;
insert into reference_images (user_id, image_id, name)
select p.id, i.id, 'a pose' from profiles p, images i where i.hash = p.email || 4;
insert into image_collections (user_id, name, is_public)
select id, case when open then 'shown' else 'kept' end, open
from profiles, unnest(array[true, false]) open;
insert into collection_images (collection_id, image_id, position)
select c.id, g.id, row_number() over (partition by c.id order by g.id)
from image_collections c join generated_images g using (user_id)
where g.is_public;
insert into prompts (user_id, text, tags) select id, 'a cat', '{cat}' from profiles;
