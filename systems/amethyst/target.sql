-- Amethyst V2. Plain DDL with bare names: Repot runs it in the schema amethyst_v2, whose tables move
-- to public at the cutover. Run in public of an empty Supabase project it is V2 right away.
--
-- Functions come in two kinds. SQL functions with BEGIN ATOMIC bodies are bound to the tables
-- themselves and right wherever these stand. PL/pgSQL looks names up when it runs: those functions
-- pin search_path to public, where V2 lives from the cutover on. Their triggers sleep before it.

create type generation_status as enum ('pending', 'processing', 'completed', 'failed');

-- ------------------------------------------------------------------------------------- people

create table profiles (
  id uuid primary key references auth.users (id) on delete cascade,
  email text,
  full_name text,
  phone_number text,
  avatar_url text,
  role text not null default 'user' check (role in ('user', 'admin')),
  auth_provider text,
  provider_id text,
  google_id text,
  apple_id text,
  github_id text,
  email_verified boolean not null default false,
  phone_verified boolean not null default false,
  language text not null default 'fr' check (language ~ '^[a-z]{2}$'),
  theme text not null default 'light',
  notifications_enabled boolean not null default true,
  marketing_emails_enabled boolean not null default false,
  ads_enabled boolean not null default true,
  daily_ads_limit int not null default 10 check (daily_ads_limit between 0 and 10),
  subscription_tier text not null default 'free',
  subscription_status text not null default 'active',
  subscription_end timestamptz,
  stripe_customer_id text unique,
  credits_balance int not null default 0 check (credits_balance >= 0),
  needs_attention boolean not null default false,
  is_banned boolean not null default false,
  last_sign_in_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
comment on table profiles is 'One per sign-up; e-mail and last sign-in follow auth.users';
comment on column profiles.credits_balance is
  'The sum of the ledger, kept by its trigger: credit_transactions and its archive';
comment on column profiles.daily_ads_limit is 'rewarded adverts a day, in the zone of advert_zone()';
create index profiles_email_idx on profiles (lower(email));
create index profiles_admins_idx on profiles (id) where role = 'admin';

create table bans (
  id uuid primary key default gen_random_uuid(),
  email text not null unique check (email = lower(email)),
  reason text,
  banned_at timestamptz not null default now(),
  banned_by uuid references profiles (id) on delete set null
);
comment on table bans is 'Addresses that may not sign up';
create index bans_banned_by_idx on bans (banned_by);

create table oauth_tokens (
  user_id uuid not null references profiles (id) on delete cascade,
  provider text not null,
  access_token text not null,
  refresh_token text,
  expires_at timestamptz,
  scope text[] not null default '{}',
  primary key (user_id, provider)
);
comment on table oauth_tokens is 'Tokens are for service_role alone; their owner sees that they exist';

create table subscription_history (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null references profiles (id) on delete cascade,
  tier text not null,
  status text not null,
  stripe_subscription_id text,
  started_at timestamptz not null default now(),
  ended_at timestamptz,
  metadata jsonb not null default '{}',
  created_at timestamptz not null default now()
);
create index subscription_history_user_idx on subscription_history (user_id, started_at);

-- ------------------------------------------------------------------------------------- credits

create table credit_transactions (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null references profiles (id) on delete cascade,
  amount int not null check (amount <> 0),
  kind text not null
    check (kind in ('purchase', 'ad_reward', 'generation', 'refund', 'bonus', 'adjustment')),
  source text,
  description text,
  idempotency_key text unique,
  metadata jsonb not null default '{}',
  created_at timestamptz not null default now()
);
comment on table credit_transactions is 'The ledger: rows are added, and leave for the archive only';
create index credit_transactions_user_idx on credit_transactions (user_id, created_at);
create index credit_transactions_created_at_idx on credit_transactions (created_at);

-- Where upkeep moves old movements. They go on counting, and their keys go on being used up.
create table credit_transactions_archive (
  id uuid primary key,
  user_id uuid not null references profiles (id) on delete cascade,
  amount int not null check (amount <> 0),
  kind text not null,
  source text,
  description text,
  idempotency_key text unique,
  metadata jsonb not null,
  created_at timestamptz not null,
  archived_at timestamptz not null default now()
);
comment on table credit_transactions_archive is
  'Old movements of the ledger, each either here or in credit_transactions';
create index credit_transactions_archive_user_idx
  on credit_transactions_archive (user_id, created_at);

create table credit_sources (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null references profiles (id) on delete cascade,
  kind text not null check (kind in ('ad_view', 'ad_click', 'stripe_purchase', 'reward')),
  amount int not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz,
  metadata jsonb not null default '{}'
);
comment on table credit_sources is
  'Where credits came from, as V1 noted it; no movements. V2 says it in the ledger''s source';
create index credit_sources_user_idx on credit_sources (user_id, created_at);

create table ad_views (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null references profiles (id) on delete cascade,
  ad_id text not null,
  platform text not null default 'unknown'
    check (platform in ('web', 'mobile', 'desktop', 'unknown')),
  duration_seconds int check (duration_seconds >= 0),
  completed boolean not null default false,
  credits_earned int not null default 0 check (credits_earned >= 0),
  viewed_at timestamptz not null default now(),
  client_view_id text,
  metadata jsonb not null default '{}',
  unique (user_id, client_view_id)
);
comment on column ad_views.client_view_id is
  'The client''s own name for the view: sent again, it counts once. V1''s views have none';
create index ad_views_user_idx on ad_views (user_id, viewed_at);

-- ------------------------------------------------------------------------------------- images

create table images (
  id uuid primary key default gen_random_uuid(),
  hash text not null unique,
  storage_path text not null,
  public_url text,
  width int not null,
  height int not null,
  format text not null,
  file_size_bytes bigint not null,
  is_nsfw boolean not null default false,
  created_at timestamptz not null default now(),
  metadata jsonb not null default '{}'
);
comment on table images is 'Files, one per content; who may see one is said by what refers to it';

create table generated_images (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null references profiles (id) on delete cascade,
  image_id uuid references images (id) on delete set null,
  status generation_status not null default 'pending',
  error_message text,
  prompt text not null,
  negative_prompt text,
  model text not null default 'flux-dev',
  style text,
  width int not null default 1024,
  height int not null default 1024,
  aspect_ratio text not null default '1:1',
  steps int not null default 28,
  guidance_scale double precision not null default 3.5,
  prompt_strength double precision,
  seed bigint,
  num_outputs int not null default 1,
  output_format text not null default 'webp',
  output_quality int not null default 90,
  image_url text,
  thumbnail_url text,
  loras jsonb[] not null default '{}',
  parameters jsonb not null default '{}',
  tags text[] not null default '{}',
  credits_cost int not null default 0,
  generation_ms int,
  is_public boolean not null default false,
  is_favorite boolean not null default false,
  is_nsfw boolean not null default false,
  created_at timestamptz not null default now(),
  completed_at timestamptz,
  updated_at timestamptz not null default now()
);
create index generated_images_user_idx on generated_images (user_id, created_at);
create index generated_images_image_idx on generated_images (image_id);
create index generated_images_public_idx on generated_images (created_at)
  where is_public and not is_nsfw;

create table image_embeddings (
  id uuid primary key default gen_random_uuid(),
  image_id uuid not null references images (id) on delete cascade,
  content_embedding extensions.vector(384),
  style_embedding extensions.vector(256),
  color_embedding extensions.vector(64),
  labels text[] not null default '{}',
  analysis jsonb not null default '{}',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index image_embeddings_image_idx on image_embeddings (image_id);

create table reference_images (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null references profiles (id) on delete cascade,
  image_id uuid not null references images (id) on delete restrict,
  name text,
  purpose text,
  strength double precision not null default 0.5,
  created_at timestamptz not null default now()
);
create index reference_images_user_idx on reference_images (user_id, created_at);
create index reference_images_image_idx on reference_images (image_id);

create table image_collections (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null references profiles (id) on delete cascade,
  name text not null,
  description text,
  is_public boolean not null default false,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index image_collections_user_idx on image_collections (user_id, created_at);

create table collection_images (
  collection_id uuid not null references image_collections (id) on delete cascade,
  image_id uuid not null references generated_images (id) on delete cascade,
  position int not null default 0,
  added_at timestamptz not null default now(),
  primary key (collection_id, image_id)
);
create index collection_images_image_idx on collection_images (image_id);

create table prompts (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null references profiles (id) on delete cascade,
  text text not null,
  negative_text text,
  tags text[] not null default '{}',
  weights double precision[] not null default '{1.0}',
  is_favorite boolean not null default false,
  use_count int not null default 0,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index prompts_user_idx on prompts (user_id, created_at);

-- ---------------------------------------------------------------------------------- who calls

create function is_admin() returns boolean
language sql stable security definer set search_path = ''
begin atomic
  select exists (
    select from profiles p
    where p.id = auth.uid() and p.role = 'admin' and not p.is_banned);
end;
comment on function is_admin() is 'For policies: reads profiles as its owner, so none can recurse';

-- The role that PostgREST took on for this request, whoever owns the functions on the way here. A
-- claim would not do: it says what a token says, and is missing where nobody set it.
create function is_trusted() returns boolean
language sql stable security definer set search_path = ''
begin atomic
  select case
           when c.role = 'service_role' or pg_has_role(c.role, current_user, 'member') then true
           when c.role = 'authenticated' then is_admin()
           else false
         end
  from (select coalesce(nullif(current_setting('role', true), 'none'), session_user)::name) c (role);
end;
comment on function is_trusted() is
  'Whether the caller is service_role, an administrator, or the owner of these tables';

-- ------------------------------------------------------------------------------------ sign-up

-- Makes the profile of an account. What is wrong is an error and undoes the sign-up.
create function create_profile(account uuid) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  a record;
begin
  select u.id, nullif(u.email, '') as email, u.phone, u.email_confirmed_at, u.last_sign_in_at,
         coalesce(u.raw_user_meta_data, '{}') as said,
         coalesce(u.raw_app_meta_data ->> 'provider', 'email') as provider
  into a from auth.users u where u.id = account;
  if not found then
    raise exception 'there is no account %', account using errcode = 'P0002';
  end if;
  if exists (select from bans b where b.email = lower(a.email)) then
    raise exception 'this address may not sign up'
      using errcode = '42501', detail = 'It is banned.';
  end if;
  insert into profiles (id, email, full_name, avatar_url, phone_number, auth_provider, provider_id,
                        google_id, apple_id, github_id, email_verified, language, last_sign_in_at)
  select a.id, a.email,
         nullif(btrim(coalesce(a.said ->> 'full_name', a.said ->> 'name', '')), ''),
         coalesce(a.said ->> 'avatar_url', a.said ->> 'picture'), nullif(a.phone, ''),
         a.provider, i.own,
         case when a.provider = 'google' then i.own end,
         case when a.provider = 'apple' then i.own end,
         case when a.provider = 'github' then i.own end,
         a.email_confirmed_at is not null,
         case when l.word ~ '^[a-z]{2}' then left(l.word, 2) else 'fr' end,
         a.last_sign_in_at
  from (select coalesce(a.said ->> 'provider_id', a.said ->> 'sub') as own) i,
       (select lower(coalesce(a.said ->> 'language', a.said ->> 'locale')) as word) l;
end
$$;

-- outside/account.sql hangs these two on auth.users at the cutover.
create function handle_new_user() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  perform create_profile(new.id);
  return new;
end
$$;

create function handle_user_changed() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  update profiles
  set email = nullif(new.email, ''), email_verified = new.email_confirmed_at is not null,
      last_sign_in_at = new.last_sign_in_at
  where id = new.id;
  return new;
end
$$;

-- For support: the account is there, its profile is not.
create function mend_profile(user_id uuid) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  if not is_trusted() then
    raise exception 'only an administrator may make a profile' using errcode = '42501';
  end if;
  perform create_profile(user_id);
end
$$;

create function set_role(user_id uuid, role text) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
#variable_conflict use_column
begin
  if not is_trusted() then
    raise exception 'only an administrator may give a role' using errcode = '42501';
  end if;
  update profiles set role = set_role.role where id = set_role.user_id;
  if not found then
    raise exception 'there is no profile %', set_role.user_id using errcode = 'P0002';
  end if;
end
$$;

-- Users and administrators are one role of the database, so what only the latter may change has no
-- grant but this. `changes` is like {"is_banned": true}.
create function change_profile(user_id uuid, changes jsonb) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  known constant text[] := '{daily_ads_limit,subscription_tier,subscription_status,subscription_end,'
                           'stripe_customer_id,needs_attention,is_banned}';
begin
  if not is_trusted() then
    raise exception 'only an administrator may change this' using errcode = '42501';
  end if;
  if jsonb_typeof(changes) is distinct from 'object' or changes - known <> '{}' then
    raise exception 'changes are an object of columns' using errcode = '22023',
      hint = array_to_string(known, ', ');
  end if;
  update profiles p
  set (daily_ads_limit, subscription_tier, subscription_status, subscription_end,
       stripe_customer_id, needs_attention, is_banned)
    = (select n.daily_ads_limit, n.subscription_tier, n.subscription_status, n.subscription_end,
              n.stripe_customer_id, n.needs_attention, n.is_banned
       from jsonb_populate_record(p, changes) n)
  where p.id = change_profile.user_id;
  if not found then
    raise exception 'there is no profile %', change_profile.user_id using errcode = 'P0002';
  end if;
end
$$;

-- ------------------------------------------------------------------------------------- profiles

create function set_updated_at() returns trigger language plpgsql set search_path = '' as $$
begin
  new.updated_at := now();
  return new;
end
$$;
-- Credits and sign-ins are no change of the profile: they leave updated_at alone.
create trigger profiles_updated_at before update on profiles
  for each row
  when (old.credits_balance = new.credits_balance
        and old.last_sign_in_at is not distinct from new.last_sign_in_at)
  execute function set_updated_at();
create trigger generated_images_updated_at before update on generated_images
  for each row execute function set_updated_at();
create trigger image_embeddings_updated_at before update on image_embeddings
  for each row execute function set_updated_at();
create trigger image_collections_updated_at before update on image_collections
  for each row execute function set_updated_at();
create trigger prompts_updated_at before update on prompts
  for each row execute function set_updated_at();

-- -------------------------------------------------------------------------------------- credits

create function ledger_sum(account uuid) returns bigint
language sql stable security definer set search_path = ''
begin atomic
  select coalesce((select sum(t.amount) from credit_transactions t where t.user_id = account), 0)
       + coalesce((select sum(t.amount) from credit_transactions_archive t
                   where t.user_id = account), 0);
end;
comment on function ledger_sum(uuid) is 'What the balance must be';

-- Whoever writes the ledger moves the balance; the row of the profile is the lock.
create function keep_balance() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  update profiles p set credits_balance = p.credits_balance + new.amount
  where p.id = new.user_id and p.credits_balance + new.amount >= 0;
  if not found then
    raise exception 'not enough credits' using errcode = '23514',
      detail = format('The balance cannot take %s.', new.amount),
      table = 'profiles', constraint = 'profiles_credits_balance_check';
  end if;
  -- A row that was on its way to the archive when this one looked for its key.
  if exists (select from credit_transactions_archive a
             where a.id = new.id or a.idempotency_key = new.idempotency_key) then
    raise exception 'this movement is in the archive' using errcode = '40001', hint = 'Try again.';
  end if;
  return null;
end
$$;
create trigger credit_transactions_balance after insert on credit_transactions
  for each row execute function keep_balance();

-- A statement of its own may set the balance to nothing but the truth.
create function guard_balance() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  if new.credits_balance <> ledger_sum(new.id) then
    raise exception 'the balance is the sum of the ledger' using errcode = '42501',
      hint = 'Credits are given by add_credits(); mend_balance() sets a balance right.';
  end if;
  return new;
end
$$;
create trigger profiles_balance before insert or update of credits_balance on profiles
  for each row when (pg_trigger_depth() = 0) execute function guard_balance();

create function refuse_change() returns trigger language plpgsql set search_path = '' as $$
begin
  raise exception 'the ledger is only added to' using errcode = '42501',
    detail = format('%s of %s was refused.', tg_op, tg_table_name),
    hint = 'Add a movement that makes up for it.';
end
$$;
create trigger credit_transactions_fixed before update on credit_transactions
  for each row execute function refuse_change();
create trigger credit_transactions_kept before truncate on credit_transactions
  for each statement execute function refuse_change();
create trigger credit_transactions_archive_fixed before update on credit_transactions_archive
  for each row execute function refuse_change();
create trigger credit_transactions_archive_kept before truncate on credit_transactions_archive
  for each statement execute function refuse_change();

-- A movement leaves with its profile or for the archive. Judged at commit: by then it must be there.
create function guard_ledger() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  if exists (select from profiles p where p.id = old.user_id)
     and not (tg_table_name = 'credit_transactions' and exists (
       select from credit_transactions_archive a
       where (a.id, a.user_id, a.amount) = (old.id, old.user_id, old.amount)
         and a.idempotency_key is not distinct from old.idempotency_key))
  then
    raise exception 'the ledger is only added to' using errcode = '42501',
      detail = format('%s left %s and is not in the archive.', old.id, tg_table_name);
  end if;
  return null;
end
$$;
create constraint trigger credit_transactions_whole after delete on credit_transactions
  deferrable initially deferred for each row execute function guard_ledger();
create constraint trigger credit_transactions_archive_whole
  after delete on credit_transactions_archive
  deferrable initially deferred for each row execute function guard_ledger();

-- The one way into the ledger. A key that was used says what it did then; for another user, amount
-- or kind it is an error.
create function write_ledger(account uuid, movement int, what text, origin text, note text, key text,
                             more jsonb default '{}',
                             out transaction_id uuid, out balance int, out repeated boolean)
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  known record;
begin
  if coalesce(movement, 0) = 0 then
    raise exception 'an amount of credits is a number other than 0' using errcode = '22023';
  end if;
  if key = '' then
    raise exception 'an idempotency key is not empty' using errcode = '22023';
  end if;
  perform from profiles p where p.id = account for no key update;
  if not found then
    raise exception 'there is no profile %', account using errcode = 'P0002';
  end if;
  insert into credit_transactions (user_id, amount, kind, source, description, idempotency_key,
                                   metadata)
  select account, movement, what, origin, note, key, more
  where not exists (select from credit_transactions_archive a where a.idempotency_key = key)
  on conflict (idempotency_key) do nothing
  returning id into transaction_id;
  repeated := not found;
  if repeated then
    select e.* into known
    from (select t.id, t.user_id, t.amount, t.kind from credit_transactions t
          where t.idempotency_key = key
          union all
          select a.id, a.user_id, a.amount, a.kind from credit_transactions_archive a
          where a.idempotency_key = key) e;
    if not found then
      raise exception 'the movement of this key just left' using errcode = '40001',
        hint = 'Try again.';
    end if;
    if (known.user_id, known.amount, known.kind) is distinct from (account, movement, what) then
      raise exception 'this idempotency key was used for another movement' using errcode = '23505',
        detail = format('Key %s stands for %s credits (%s).', key, known.amount, known.kind),
        hint = 'A retry repeats user, amount and source; another event has another key.';
    end if;
    transaction_id := known.id;
  end if;
  select p.credits_balance into balance from profiles p where p.id = account;
end
$$;

create function kind_of_source(source text) returns text language sql immutable set search_path = ''
return case
  when lower(source) in ('stripe', 'stripe_purchase', 'purchase') then 'purchase'
  when lower(source) in ('generation', 'usage') then 'generation'
  when lower(source) = 'refund' then 'refund'
  when lower(source) in ('bonus', 'reward', 'welcome', 'promotion') then 'bonus'
  when lower(source) in ('adjustment', 'admin', 'support') then 'adjustment'
end;
comment on function kind_of_source(text) is
  'The kind of a movement by who asks for it; NULL if add_credits() does not know it';

create function add_credits(user_id uuid, amount int, source text, description text default null,
                            idempotency_key text default null,
                            out transaction_id uuid, out balance int, out repeated boolean)
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  if not is_trusted() then
    raise exception 'only the service and administrators may add credits' using errcode = '42501';
  end if;
  if kind_of_source(source) is null then
    raise exception 'credits come from no source called %', coalesce(quote_literal(source), 'NULL')
      using errcode = '22023',
      hint = 'stripe, purchase, generation, usage, refund, bonus, reward, welcome, promotion, '
             'adjustment, admin or support';
  end if;
  if idempotency_key ~ '^(spend|refund-of|ad_view):' then
    raise exception 'keys that begin like this are made by the database' using errcode = '22023';
  end if;
  select w.* into transaction_id, balance, repeated
  from write_ledger(user_id, amount, kind_of_source(source), source, description,
                    idempotency_key) w;
end
$$;
comment on function add_credits(uuid, int, text, text, text) is
  'Writes ledger and balance together; the same idempotency key adds once';

-- In one's own name. The key is the user's own: nobody can use up another's, or Stripe's.
create function spend_credits(amount int, description text, idempotency_key text default null,
                              out transaction_id uuid, out balance int, out repeated boolean)
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  if auth.uid() is null then
    raise exception 'credits are spent by who is signed in' using errcode = '42501';
  end if;
  if coalesce(amount, 0) <= 0 then
    raise exception 'what is spent is more than 0' using errcode = '22023';
  end if;
  if exists (select from profiles p where p.id = auth.uid() and p.is_banned) then
    raise exception 'this profile is banned' using errcode = '42501';
  end if;
  select w.* into transaction_id, balance, repeated
  from write_ledger(auth.uid(), -amount, 'generation', 'generation', description,
                    'spend:' || auth.uid() || ':' || nullif(idempotency_key, '')) w;
end
$$;

-- Gives back what one generation cost, once.
create function refund_credits(spent uuid, description text default null,
                               out transaction_id uuid, out balance int, out repeated boolean)
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  known record;
begin
  if not is_trusted() then
    raise exception 'only the service and administrators may refund' using errcode = '42501';
  end if;
  select e.* into known
  from (select t.id, t.user_id, t.amount, t.kind from credit_transactions t where t.id = spent
        union all
        select a.id, a.user_id, a.amount, a.kind from credit_transactions_archive a
        where a.id = spent) e;
  if not found or known.amount > 0 or known.kind <> 'generation' then
    raise exception 'no generation was paid by %', spent using errcode = 'P0002';
  end if;
  select w.* into transaction_id, balance, repeated
  from write_ledger(known.user_id, -known.amount, 'refund', 'refund', description,
                    'refund-of:' || spent) w;
end
$$;

-- For support: a balance that something else got wrong. Returns by how much it was wrong.
create function mend_balance(user_id uuid) returns bigint
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  shown int;
  total bigint;
begin
  if not is_trusted() then
    raise exception 'only an administrator may mend a balance' using errcode = '42501';
  end if;
  select p.credits_balance into shown from profiles p
  where p.id = mend_balance.user_id for no key update;
  if not found then
    raise exception 'there is no profile %', mend_balance.user_id using errcode = 'P0002';
  end if;
  total := ledger_sum(mend_balance.user_id);
  if total < 0 then
    insert into credit_transactions (user_id, amount, kind, source, description)
    values (mend_balance.user_id, -total, 'adjustment', 'mend_balance', 'a sum below 0');
  end if;
  update profiles p set credits_balance = greatest(total, 0) where p.id = mend_balance.user_id;
  return greatest(total, 0) - shown;
end
$$;

-- -------------------------------------------------------------------------------------- adverts

create function advert_zone() returns text language sql immutable set search_path = ''
return 'Europe/Paris';
comment on function advert_zone() is 'The time zone in whose midnight the day of adverts turns';

create function advert_day(at timestamptz, out day_start timestamptz, out day_end timestamptz)
language sql stable set search_path = ''
begin atomic
  select d.today::timestamp at time zone advert_zone(),
         (d.today + 1)::timestamp at time zone advert_zone()
  from (select (at at time zone advert_zone())::date) d (today);
end;
comment on function advert_day(timestamptz) is 'From midnight to before midnight: 23 to 25 hours';

create function advert_credits(duration_seconds int, completed boolean) returns int
language sql immutable set search_path = ''
return case when duration_seconds >= 30 and completed then 2
            when duration_seconds >= 15 then 1
            else 0 end;

-- Not for clients: `seen_at` is the instant that decides about the day, now if it is not given. It is
-- taken behind the lock, so that who waited over midnight is counted in the day that is.
create function record_ad_view(account uuid, advert text, seconds int, finished boolean, view_id text,
                               place text, seen_at timestamptz default null,
                               out credits_earned int, out reason text, out repeated boolean,
                               out rewarded_today int, out daily_limit int, out balance int)
language plpgsql security definer set search_path = public, pg_temp as $$
#variable_conflict use_column
declare
  banned boolean;
  earlier ad_views;
  today record;
  paid record;
begin
  if advert is null or advert = '' or view_id is null or view_id = '' then
    raise exception 'a view has an advert and an id of its own' using errcode = '22023';
  end if;
  if seconds < 0 then
    raise exception 'nobody watches for % seconds', seconds using errcode = '22023';
  end if;
  select p.is_banned, p.daily_ads_limit, p.credits_balance into banned, daily_limit, balance
  from profiles p where p.id = account for no key update;
  if not found then
    raise exception 'there is no profile %', account using errcode = 'P0002';
  end if;
  if banned then
    raise exception 'this profile is banned' using errcode = '42501';
  end if;
  seen_at := coalesce(seen_at, clock_timestamp());
  select d.* into today from advert_day(seen_at) d;
  select count(*) into rewarded_today from ad_views v
  where v.user_id = account and v.credits_earned > 0
    and v.viewed_at >= today.day_start and v.viewed_at < today.day_end;

  select v.* into earlier from ad_views v where v.user_id = account and v.client_view_id = view_id;
  if found then
    if earlier.ad_id <> advert then
      raise exception 'this view id was used for another advert' using errcode = '23505';
    end if;
    repeated := true;
    credits_earned := earlier.credits_earned;
    reason := earlier.metadata ->> 'reason';
    return;
  end if;

  repeated := false;
  credits_earned := advert_credits(seconds, finished);
  reason := case when credits_earned = 0 then 'too-short'
                 when rewarded_today >= daily_limit then 'daily-limit'
                 else 'rewarded' end;
  if reason = 'rewarded' then
    select w.* into paid
    from write_ledger(account, credits_earned, 'ad_reward', 'ad_view', 'advert ' || advert,
                      'ad_view:' || account || ':' || view_id) w;
    balance := paid.balance;
    if paid.repeated then  -- the view itself went with old data; its payment stays
      repeated := true;
      return;
    end if;
    rewarded_today := rewarded_today + 1;
  else
    credits_earned := 0;
  end if;
  insert into ad_views (user_id, ad_id, platform, duration_seconds, completed, credits_earned,
                        viewed_at, client_view_id, metadata)
  values (account, advert, coalesce(place, 'unknown'), seconds, coalesce(finished, false),
          credits_earned, seen_at, view_id, jsonb_build_object('reason', reason));
end
$$;

create function handle_ad_view(ad_id text, duration_seconds int, completed boolean,
                               client_view_id text, platform text default 'unknown',
                               out credits_earned int, out reason text, out repeated boolean,
                               out rewarded_today int, out daily_limit int, out balance int)
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  if auth.uid() is null then
    raise exception 'adverts are watched by who is signed in' using errcode = '42501';
  end if;
  select v.* into credits_earned, reason, repeated, rewarded_today, daily_limit, balance
  from record_ad_view(auth.uid(), ad_id, duration_seconds, completed, client_view_id, platform) v;
end
$$;
comment on function handle_ad_view(text, int, boolean, text, text) is
  'Counts a view of one''s own: 30 s to the end earn 2 credits, 15 s 1; reason says why it was 0';

create function adverts_today(out rewarded_today int, out daily_limit int, out turns_at timestamptz)
language sql stable set search_path = ''
begin atomic
  select (select count(*)::int from ad_views v
          where v.user_id = p.id and v.credits_earned > 0
            and v.viewed_at >= d.day_start and v.viewed_at < d.day_end),
         p.daily_ads_limit, d.day_end
  from profiles p
  cross join advert_day(now()) d
  where p.id = auth.uid();
end;

-- ------------------------------------------------------------------------------ who may do what

alter table profiles enable row level security;
alter table bans enable row level security;
alter table oauth_tokens enable row level security;
alter table subscription_history enable row level security;
alter table credit_transactions enable row level security;
alter table credit_transactions_archive enable row level security;
alter table credit_sources enable row level security;
alter table ad_views enable row level security;
alter table images enable row level security;
alter table generated_images enable row level security;
alter table image_embeddings enable row level security;
alter table reference_images enable row level security;
alter table image_collections enable row level security;
alter table collection_images enable row level security;
alter table prompts enable row level security;

-- One policy for each table, role and operation: `(select …)` is worked out once a statement.
create policy profiles_read on profiles for select to authenticated
  using (id = (select auth.uid()) or (select is_admin()));
create policy profiles_change on profiles for update to authenticated
  using (id = (select auth.uid()) or (select is_admin()))
  with check (id = (select auth.uid()) or (select is_admin()));

create policy bans_admin on bans for all to authenticated
  using ((select is_admin())) with check ((select is_admin()));

create policy oauth_tokens_read on oauth_tokens for select to authenticated
  using (user_id = (select auth.uid()) or (select is_admin()));
create policy oauth_tokens_delete on oauth_tokens for delete to authenticated
  using (user_id = (select auth.uid()) or (select is_admin()));

create policy subscription_history_read on subscription_history for select to authenticated
  using (user_id = (select auth.uid()) or (select is_admin()));
create policy credit_transactions_read on credit_transactions for select to authenticated
  using (user_id = (select auth.uid()) or (select is_admin()));
create policy credit_transactions_archive_read on credit_transactions_archive
  for select to authenticated
  using (user_id = (select auth.uid()) or (select is_admin()));
create policy credit_sources_read on credit_sources for select to authenticated
  using (user_id = (select auth.uid()) or (select is_admin()));
create policy ad_views_read on ad_views for select to authenticated
  using (user_id = (select auth.uid()) or (select is_admin()));

create policy generated_images_public on generated_images for select to anon
  using (is_public and not is_nsfw);
create policy generated_images_read on generated_images for select to authenticated
  using (user_id = (select auth.uid()) or (is_public and not is_nsfw) or (select is_admin()));
create policy generated_images_add on generated_images for insert to authenticated
  with check (user_id = (select auth.uid()) or (select is_admin()));
create policy generated_images_change on generated_images for update to authenticated
  using (user_id = (select auth.uid()) or (select is_admin()))
  with check (user_id = (select auth.uid()) or (select is_admin()));
create policy generated_images_delete on generated_images for delete to authenticated
  using (user_id = (select auth.uid()) or (select is_admin()));

-- Only the service says which file belongs to what, so nobody can refer to another's file to see it.
create policy reference_images_read on reference_images for select to authenticated
  using (user_id = (select auth.uid()) or (select is_admin()));
create policy reference_images_change on reference_images for update to authenticated
  using (user_id = (select auth.uid()) or (select is_admin()))
  with check (user_id = (select auth.uid()) or (select is_admin()));
create policy reference_images_delete on reference_images for delete to authenticated
  using (user_id = (select auth.uid()) or (select is_admin()));
create policy images_read on images for select to authenticated
  using (id in (select g.image_id from generated_images g where g.user_id = (select auth.uid()))
         or id in (select r.image_id from reference_images r where r.user_id = (select auth.uid()))
         or (select is_admin()));
create policy image_embeddings_read on image_embeddings for select to authenticated
  using (image_id in (select g.image_id from generated_images g
                      where g.user_id = (select auth.uid()))
         or image_id in (select r.image_id from reference_images r
                         where r.user_id = (select auth.uid()))
         or (select is_admin()));

create policy image_collections_public on image_collections for select to anon using (is_public);
create policy image_collections_read on image_collections for select to authenticated
  using (user_id = (select auth.uid()) or is_public or (select is_admin()));
create policy image_collections_add on image_collections for insert to authenticated
  with check (user_id = (select auth.uid()) or (select is_admin()));
create policy image_collections_change on image_collections for update to authenticated
  using (user_id = (select auth.uid()) or (select is_admin()))
  with check (user_id = (select auth.uid()) or (select is_admin()));
create policy image_collections_delete on image_collections for delete to authenticated
  using (user_id = (select auth.uid()) or (select is_admin()));

-- Seen by the collection's owner, and by who sees both ends: their own policies answer that here.
create policy collection_images_public on collection_images for select to anon
  using (exists (select from image_collections c where c.id = collection_images.collection_id)
         and exists (select from generated_images g where g.id = collection_images.image_id));
create policy collection_images_read on collection_images for select to authenticated
  using (exists (select from image_collections c
                 where c.id = collection_images.collection_id
                   and (c.user_id = (select auth.uid()) or (select is_admin())
                        or exists (select from generated_images g
                                   where g.id = collection_images.image_id))));
create policy collection_images_add on collection_images for insert to authenticated
  with check (exists (select from image_collections c
                      where c.id = collection_images.collection_id
                        and (c.user_id = (select auth.uid()) or (select is_admin())))
              and exists (select from generated_images g where g.id = collection_images.image_id));
create policy collection_images_change on collection_images for update to authenticated
  using (exists (select from image_collections c
                 where c.id = collection_images.collection_id
                   and (c.user_id = (select auth.uid()) or (select is_admin()))))
  with check (exists (select from image_collections c
                      where c.id = collection_images.collection_id
                        and (c.user_id = (select auth.uid()) or (select is_admin()))));
create policy collection_images_delete on collection_images for delete to authenticated
  using (exists (select from image_collections c
                 where c.id = collection_images.collection_id
                   and (c.user_id = (select auth.uid()) or (select is_admin()))));

create policy prompts_own on prompts for all to authenticated
  using (user_id = (select auth.uid()) or (select is_admin()))
  with check (user_id = (select auth.uid()) or (select is_admin()));

-- Policies decide about rows; these say which statements a role may try at all, and on which columns.
-- Balance, role, ledger and what a view earned are written by functions alone, whoever calls them.
-- Supabase gives everybody everything by default where tables are made in public.
revoke all on profiles, bans, oauth_tokens, subscription_history, credit_transactions,
  credit_transactions_archive, credit_sources, ad_views, images, generated_images, image_embeddings,
  reference_images, image_collections, collection_images, prompts
  from public, anon, authenticated, service_role;

grant select on generated_images, image_collections, collection_images to anon;

grant select on profiles, bans, subscription_history, credit_transactions,
  credit_transactions_archive, credit_sources, ad_views, images, generated_images, image_embeddings,
  reference_images, image_collections, collection_images, prompts to authenticated;
grant select (user_id, provider, expires_at, scope), delete on oauth_tokens to authenticated;
grant update (full_name, phone_number, avatar_url, language, theme, notifications_enabled,
              marketing_emails_enabled, ads_enabled) on profiles to authenticated;
grant insert, update, delete on bans, prompts, image_collections to authenticated;
grant insert (user_id, prompt, negative_prompt, model, style, width, height, aspect_ratio, steps,
              guidance_scale, prompt_strength, seed, num_outputs, output_format, output_quality,
              loras, parameters, tags, is_public, is_favorite),
      update (tags, is_public, is_favorite), delete on generated_images to authenticated;
grant update (name, purpose, strength), delete on reference_images to authenticated;
grant insert, update (position), delete on collection_images to authenticated;

grant select on profiles, credit_transactions, credit_transactions_archive, credit_sources, ad_views
  to service_role;
grant update (full_name, phone_number, avatar_url, language, theme, notifications_enabled,
              marketing_emails_enabled, ads_enabled, phone_verified, daily_ads_limit,
              subscription_tier, subscription_status, subscription_end, stripe_customer_id,
              needs_attention, is_banned) on profiles to service_role;
grant select, insert, update, delete on bans, oauth_tokens, subscription_history, images,
  generated_images, image_embeddings, reference_images, image_collections, collection_images, prompts
  to service_role;

revoke all on function is_admin(), is_trusted(), create_profile(uuid), handle_new_user(),
  handle_user_changed(), mend_profile(uuid), set_role(uuid, text), change_profile(uuid, jsonb),
  set_updated_at(), ledger_sum(uuid), keep_balance(), guard_balance(), refuse_change(), guard_ledger(),
  write_ledger(uuid, int, text, text, text, text, jsonb), kind_of_source(text),
  add_credits(uuid, int, text, text, text), spend_credits(int, text, text),
  refund_credits(uuid, text), mend_balance(uuid), advert_zone(), advert_day(timestamptz),
  advert_credits(int, boolean),
  record_ad_view(uuid, text, int, boolean, text, text, timestamptz),
  handle_ad_view(text, int, boolean, text, text), adverts_today()
  from public, anon, authenticated, service_role;
grant execute on function is_admin(), add_credits(uuid, int, text, text, text),
  refund_credits(uuid, text), mend_profile(uuid), mend_balance(uuid), set_role(uuid, text),
  change_profile(uuid, jsonb), advert_zone(), advert_day(timestamptz)
  to authenticated, service_role;
grant execute on function spend_credits(int, text, text),
  handle_ad_view(text, int, boolean, text, text), adverts_today()
  to authenticated;
