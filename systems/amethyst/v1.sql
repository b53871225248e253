-- Amethyst V1, as it grew: twin tables, mixed timestamps, row-level security without policies, sign-up
-- functions that nobody calls. Runs in schema public of a Supabase project with the extension vector.

-- Three names for one thing; only the first is used.
create type public.generation_status as enum ('pending', 'processing', 'completed', 'failed');
create type public.image_status as enum ('pending', 'processing', 'completed', 'failed');
create type public.job_status as enum ('pending', 'processing', 'completed', 'failed');

-- ------------------------------------------------------------------------------------- people

create table public.profiles (
  id uuid not null primary key,  -- of auth.users, they say: no foreign key watches
  email text,
  is_admin boolean default false,
  is_banned boolean default false,
  created_at timestamptz not null default now(),
  last_sign_in_at timestamptz,
  full_name text,
  phone_number text,
  avatar_url text,
  auth_provider text,
  provider_id text,
  subscription_tier text default 'free',
  subscription_status text default 'active',
  subscription_end_date timestamp,
  stripe_customer_id text,
  credits_balance integer not null default 0 check (credits_balance >= 0),
  lifetime_credits integer not null default 0 check (lifetime_credits >= 0),
  last_credit_update timestamp,
  language text default 'fr',
  theme text default 'light',
  notifications_enabled boolean default true,
  marketing_emails_enabled boolean default false,
  ads_enabled boolean default true,
  ads_credits_earned integer default 0,
  ads_watched_today integer default 0,
  ads_last_watched timestamp,
  daily_ads_limit integer default 10,
  google_id text,
  apple_id text,
  github_id text,
  email_verified boolean default false,
  phone_verified boolean default false,
  needs_attention boolean default false,
  updated_at timestamptz default now()
);
create index profiles_email_idx on public.profiles (email);
create index idx_profiles_email on public.profiles (email);
create index profiles_stripe_idx on public.profiles (stripe_customer_id);
create index idx_profiles_stripe_customer on public.profiles (stripe_customer_id);

create table public.banned_emails (
  id uuid not null default gen_random_uuid() primary key,
  email text not null unique,
  reason text,
  banned_at timestamptz not null default now(),
  banned_by uuid
);

create table public.banned_users (
  id uuid not null default gen_random_uuid() primary key,
  email text not null unique,
  reason text,
  banned_at timestamp not null default now(),
  banned_by uuid,
  created_at timestamp not null default now()
);

create table public.oauth_tokens (
  profile_id uuid references public.profiles (id) on delete cascade,
  provider text not null,
  access_token text not null,
  refresh_token text,
  expires_at timestamptz,
  scope text[]
);
create index oauth_tokens_profile_idx on public.oauth_tokens (profile_id);

create table public.subscription_history (
  id uuid not null default gen_random_uuid() primary key,
  profile_id uuid references public.profiles (id) on delete cascade,
  tier text not null,
  status text not null,
  stripe_subscription_id text,
  started_at timestamp not null default now(),
  ended_at timestamp,
  metadata jsonb
);

-- ------------------------------------------------------------------------------------- credits

create table public.credit_transactions (
  id uuid not null default gen_random_uuid() primary key,
  profile_id uuid references public.profiles (id) on delete cascade,
  amount integer not null,
  type text not null check (type in ('purchase', 'ad_reward', 'generation', 'refund')),
  description text,
  metadata jsonb,
  created_at timestamptz not null default now()
);
create index credit_transactions_profile_idx on public.credit_transactions (profile_id);
create index idx_credit_transactions_profile_id on public.credit_transactions (profile_id);
create index credit_transactions_created_idx on public.credit_transactions (created_at);
create index idx_credit_transactions_created_at on public.credit_transactions (created_at);

create table public.credits_transactions (
  id uuid not null default gen_random_uuid() primary key,
  profile_id uuid references public.profiles (id) on delete cascade,
  amount integer not null,
  type text not null check (type in ('purchase', 'reward', 'usage', 'refund')),
  description text,
  created_at timestamp not null default now(),
  metadata jsonb
);
create index credits_transactions_profile_idx on public.credits_transactions (profile_id);
create index idx_credits_transactions_profile on public.credits_transactions (profile_id);

create table public.credit_sources (
  id uuid not null default gen_random_uuid() primary key,
  profile_id uuid references public.profiles (id) on delete cascade,
  type text not null check (type in ('ad_view', 'ad_click', 'stripe_purchase', 'reward')),
  amount integer not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz,
  metadata jsonb
);
create index credit_sources_profile_idx on public.credit_sources (profile_id);

create table public.ad_views (
  id uuid not null default gen_random_uuid() primary key,
  profile_id uuid references public.profiles (id) on delete cascade,
  ad_id text not null,
  view_duration integer,
  completed boolean default false,
  created_at timestamp not null default now(),
  credits_earned integer not null default 0,
  metadata jsonb
);
create index ad_views_profile_idx on public.ad_views (profile_id);
create index idx_ad_views_profile on public.ad_views (profile_id);

create table public.ads_history (
  id uuid not null default gen_random_uuid() primary key,
  profile_id uuid references public.profiles (id) on delete cascade,
  ad_id text not null,
  credits_earned integer not null default 0,
  watched_at timestamp not null default now(),
  watched_duration integer,
  completed boolean default false,
  platform text not null check (platform in ('web', 'mobile', 'desktop')),
  metadata jsonb
);
create index ads_history_profile_idx on public.ads_history (profile_id, watched_at);
create index idx_ads_history_profile_date on public.ads_history (profile_id, watched_at);

-- ------------------------------------------------------------------------------------- images

create table public.images (
  id uuid not null default gen_random_uuid() primary key,
  hash text not null unique,
  storage_path text not null,
  public_url text,
  width integer not null,
  height integer not null,
  format text not null,
  file_size_bytes bigint not null,
  is_nsfw boolean not null default false,
  created_at timestamptz not null default now(),
  metadata jsonb
);
create unique index images_hash_idx on public.images (hash);  -- and once more by the constraint

create table public.generated_images (
  id uuid not null default gen_random_uuid() primary key,
  user_id uuid,  -- no foreign key
  image_id uuid references public.images (id) on delete set null,
  status public.generation_status not null default 'pending',
  error_message text,
  prompt text not null,
  negative_prompt text,
  model text not null default 'flux-dev',
  style text,
  width integer not null default 1024,
  height integer not null default 1024,
  aspect_ratio text default '1:1',
  steps integer default 28,
  guidance_scale double precision default 3.5,
  prompt_strength double precision,
  seed bigint,
  num_outputs integer not null default 1,
  output_format text not null default 'webp',
  output_quality integer default 90,
  image_url text,
  thumbnail_url text,
  loras jsonb[] default '{}',
  parameters jsonb,
  tags text[] default '{}',
  credits_cost integer not null default 0,
  generation_ms integer,
  is_public boolean not null default false,
  is_favorite boolean default false,
  is_nsfw boolean default false,
  created_at timestamptz not null default now(),
  completed_at timestamp,
  updated_at timestamptz
);
create index generated_images_user_idx on public.generated_images (user_id);

create table public.image_metadata (
  id uuid not null default gen_random_uuid() primary key,
  image_id uuid not null references public.images (id) on delete cascade,
  content_embedding extensions.vector(384),
  style_embedding extensions.vector(256),
  color_embedding extensions.vector(64),
  labels text[],
  analysis jsonb,
  created_at timestamptz not null default now(),
  updated_at timestamptz
);

create table public.reference_images (
  id uuid not null default gen_random_uuid() primary key,
  user_id uuid,  -- no foreign key
  image_id uuid not null references public.images (id) on delete restrict,
  name text,
  purpose text,
  strength double precision default 0.5,
  created_at timestamptz not null default now()
);

create table public.image_collections (
  id uuid not null default gen_random_uuid() primary key,
  user_id uuid not null,  -- no foreign key
  name text not null,
  description text,
  is_public boolean not null default false,
  created_at timestamptz not null default now(),
  updated_at timestamptz
);

create table public.collection_images (
  collection_id uuid not null references public.image_collections (id) on delete cascade,
  image_id uuid not null references public.generated_images (id) on delete cascade,
  position integer not null default 0,
  added_at timestamptz not null default now(),
  primary key (collection_id, image_id)
);

create table public.prompts (
  id uuid not null default gen_random_uuid() primary key,
  user_id uuid not null,  -- no foreign key
  text text not null,
  negative_text text,
  tags text[] default array[]::text[],
  weights double precision[] default array[1.0]::double precision[],
  is_favorite boolean default false,
  use_count integer default 0,
  created_at timestamptz not null default now()
);

-- Somebody clicked "new table" once. Nothing was ever written to it.
create table public."Amethyst" (
  id bigint generated by default as identity primary key,
  created_at timestamptz not null default now()
);

-- ---------------------------------------------------------------------------------- functions

-- Sign-up, three times over. None is attached to auth.users: the web client writes the profile itself,
-- the mobile one calls create_profile(), and who gets stuck in between has an account and no profile.
create function public.handle_new_user() returns trigger
language plpgsql security definer as $$
begin
  insert into profiles (id, email, credits_balance, language, daily_ads_limit)
  values (new.id, new.email, 100, 'fr', 10);
  return new;
exception
  when others then return new;  -- nobody ever learns of it
end
$$;
create function public.handle_new_user_signup() returns trigger
language plpgsql security definer as $$
begin
  insert into profiles (id, email, credits_balance, lifetime_credits, language, daily_ads_limit)
  values (new.id, new.email, 0, 0, 'Français', 5)
  on conflict (id) do nothing;
  return new;
end
$$;
create function public.create_profile(profile_id uuid, profile_email text) returns void
language sql security definer as $$
  insert into public.profiles (id, email, credits_balance, language, daily_ads_limit)
  values (profile_id, profile_email, 0, 'fr', 10)
  on conflict (id) do nothing
$$;

create function public.add_credits(profile_id uuid, amount integer, type text) returns integer
language plpgsql security definer as $$
declare
  balance integer;
begin
  perform set_config('amethyst.credits', 'on', true);
  update profiles p
  set credits_balance = greatest(p.credits_balance + add_credits.amount, 0),
      lifetime_credits = p.lifetime_credits + greatest(add_credits.amount, 0),
      last_credit_update = now()
  where p.id = add_credits.profile_id
  returning p.credits_balance into balance;
  insert into credit_transactions (profile_id, amount, type)
  values (add_credits.profile_id, add_credits.amount, add_credits.type);
  return balance;
end
$$;

-- Adverts, three times over: which ledger, how many credits and what a day is depend on who calls.
create function public.handle_ad_view(user_id uuid, ad_id text, duration integer) returns integer
language plpgsql security definer as $$
begin
  insert into ad_views (profile_id, ad_id, view_duration, completed, credits_earned)
  values (user_id, handle_ad_view.ad_id, duration, duration >= 30, 2);
  update profiles set credits_balance = credits_balance + 2 where id = user_id;  -- see protect_credits
  return 2;
end
$$;
create function public.process_ad_view(p_profile uuid, p_ad text, p_duration integer)
returns integer
language plpgsql security definer as $$
declare
  earned integer := case when p_duration >= 30 then 2 when p_duration >= 15 then 1 else 0 end;
  view_id uuid;
begin
  insert into ad_views (profile_id, ad_id, view_duration, completed, credits_earned)
  values (p_profile, p_ad, p_duration, p_duration >= 15, earned)
  returning id into view_id;
  if earned > 0 then
    perform add_credits(p_profile, earned, 'ad_reward');
    update credit_transactions set metadata = jsonb_build_object('ad_view_id', view_id)
    where id = (select id from credit_transactions where profile_id = p_profile
                order by created_at desc limit 1);
  end if;
  return earned;
end
$$;
create function public.reward_ad_view(p_profile uuid, p_ad text, p_platform text, p_duration integer)
returns integer
language plpgsql security definer as $$
begin
  insert into ads_history (profile_id, ad_id, credits_earned, watched_duration, completed, platform)
  values (p_profile, p_ad, 1, p_duration, true, p_platform);
  insert into credits_transactions (profile_id, amount, type, description)
  values (p_profile, 1, 'reward', 'ad ' || p_ad);
  perform set_config('amethyst.credits', 'on', true);
  update profiles
  set credits_balance = credits_balance + 1, ads_watched_today = ads_watched_today + 1,
      ads_credits_earned = ads_credits_earned + 1, ads_last_watched = now()
  where id = p_profile;
  return 1;
end
$$;

-- Kept from an experiment: whoever does not know of the setting cannot give credits. handle_ad_view
-- does not.
create function public.protect_credits() returns trigger language plpgsql as $$
begin
  if new.credits_balance > old.credits_balance
     and current_setting('amethyst.credits', true) is distinct from 'on' then
    raise exception 'credits are changed by add_credits() only';
  end if;
  return new;
end
$$;
create trigger protect_credits before update on public.profiles
  for each row execute function public.protect_credits();

create function public.is_admin() returns boolean language sql security definer stable as $$
  select coalesce((select p.is_admin from public.profiles p where p.id = auth.uid()), false)
$$;

-- ------------------------------------------------------------------------------- who may do what

grant all on all tables in schema public to anon, authenticated, service_role;
grant execute on all functions in schema public to anon, authenticated, service_role;

-- On everywhere, with policies on one table only: all others show nothing to anybody who is not
-- service_role, so the server uses that key for everything.
do $security$
declare
  each regclass;
begin
  for each in select c.oid from pg_class c
              where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' loop
    execute format('alter table %s enable row level security', each);
  end loop;
end
$security$;

create policy "Users can view own profile" on public.profiles
  for select using (auth.uid() = id);
create policy "Users can read their profile" on public.profiles
  for select to authenticated using (id = auth.uid());
create policy "Public profiles are viewable by everyone" on public.profiles
  for select using (true);
create policy "Users can update own profile" on public.profiles
  for update using (auth.uid() = id);
create policy "Users can update their own profile" on public.profiles
  for update to authenticated using (auth.uid() = id) with check (auth.uid() = id);
create policy "Users can insert own profile" on public.profiles
  for insert with check (auth.uid() = id);
create policy "Enable insert for authenticated users only" on public.profiles
  for insert to authenticated with check (true);
create policy "Admins can do everything" on public.profiles
  for all using ((select p.is_admin from public.profiles p where p.id = auth.uid()));  -- recurses
create policy "Enable all operations for all users" on public.profiles
  for all using (true) with check (true);
