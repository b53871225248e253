-- Dropskills V1, as it grew: the schema public of a Supabase project.

create function public.update_updated_at_column() returns trigger language plpgsql as $$
begin
  new.updated_at = now();
  return new;
end
$$;

-- ------------------------------------------------------------------------------------- people

create table public.profiles (
  id uuid primary key references auth.users (id) on delete cascade,
  role text not null default 'USER',
  first_name text,
  last_name text,
  avatar_url text,
  status text not null default 'ACTIVE',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
comment on table public.profiles is 'One per sign-up, written by handle_new_user()';
comment on column public.profiles.role is 'USER, ADMIN, SUPER_ADMIN; SUPPORT and PREMIUM came later';
create index profiles_role_idx on public.profiles (role);

create function public.handle_new_user() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  insert into public.profiles (id, first_name, last_name, avatar_url)
  values (new.id, new.raw_user_meta_data ->> 'first_name', new.raw_user_meta_data ->> 'last_name',
          new.raw_user_meta_data ->> 'avatar_url');
  return new;
end
$$;
create trigger on_auth_user_created after insert on auth.users
  for each row execute function public.handle_new_user();

-- ---------------------------------------------------------------------------------- the shop

create table public.categories (
  id uuid primary key default gen_random_uuid(),
  name text not null unique,
  description text
);

create table public.products (
  id uuid primary key default gen_random_uuid(),
  title text not null,
  description text,
  image_url text,
  price numeric(10,2) not null default 0,
  visibility text not null default 'PUBLIC',
  status text not null default 'ACTIVE',
  creator_id uuid references public.profiles (id) on delete set null,
  category_id uuid references public.categories (id),
  published_at timestamptz,
  created_at timestamptz default now(),
  updated_at timestamptz default now()
);
comment on table public.products is 'What the shop lists';
comment on column public.products.status is 'ACTIVE, DRAFT, PUBLISHED; SUSPENDED and archived by hand';
create index products_category_id_idx on public.products (category_id);
create index products_creator_id_idx on public.products (creator_id);
create index products_status_created_at_idx on public.products (status, created_at desc);

-- The second kind of product, of the Prisma part of the application.
create table public.packs (
  id uuid primary key default gen_random_uuid(),
  name text not null,
  description text,
  price double precision not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
comment on table public.packs is 'Bundles; money in a float';

create table public."_UserPacks" (
  "A" uuid not null references public.packs (id) on update cascade on delete cascade,
  "B" uuid not null references public.profiles (id) on update cascade on delete cascade,
  constraint "_UserPacks_AB_pkey" primary key ("A", "B")
);
comment on table public."_UserPacks" is 'Who owns what (Prisma''s implicit many-to-many)';
create index "_UserPacks_B_index" on public."_UserPacks" ("B");

create table public.samples (
  id uuid primary key default gen_random_uuid(),
  product_id uuid references public.products (id) on delete cascade,
  title text not null,
  file_url text not null,
  created_at timestamptz default now()
);
create index samples_product_id_idx on public.samples (product_id);

create table public.favorites (
  user_id uuid not null references public.profiles (id),
  product_id uuid not null references public.products (id),
  created_at timestamptz default now(),
  primary key (user_id, product_id)
);
create index favorites_product_id_idx on public.favorites (product_id);

create table public.tags (
  id uuid primary key default gen_random_uuid(),
  name text not null unique
);

-- Without foreign keys, so links to what is gone stay behind.
create table public.products_tags (
  product_id uuid not null,
  tag_id uuid not null,
  primary key (product_id, tag_id)
);
create index products_tags_tag_id_idx on public.products_tags (tag_id);

create table public.product_stats (
  product_id uuid primary key references public.products (id),
  views int not null default 0,
  downloads int not null default 0,
  purchases int not null default 0,
  last_viewed_at timestamptz
);

-- ------------------------------------------------------------------------------ ideas, requests

create table public.product_requests (
  id uuid primary key default gen_random_uuid(),
  user_id uuid references public.profiles (id) on delete set null,
  title text not null,
  description text,
  status text not null default 'IDEA',
  votes int not null default 0,
  created_at timestamptz default now(),
  updated_at timestamptz default now(),
  source text not null default 'AI'
);
create index product_requests_status_idx on public.product_requests (status, votes desc);

create table public.product_request_votes (
  request_id uuid not null,
  user_id uuid not null,
  created_at timestamptz default now(),
  primary key (request_id, user_id)
);

create table public.trending_ideas (
  id uuid primary key default gen_random_uuid(),
  title text not null,
  description text not null,
  category text not null,
  difficulty text not null,
  "revenueEstimate" text not null,
  "trendScore" int not null default 50,
  tags text,
  "isActive" boolean not null default true,
  "isFeatured" boolean not null default false,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
comment on column public.trending_ideas.tags is 'JSON inside text, mostly';
create index "trending_ideas_trendScore_idx" on public.trending_ideas ("trendScore" desc);

create table public.admin_logs (
  id bigserial primary key,
  admin_id uuid references public.profiles (id),
  action text not null,
  target_table text,
  target_id uuid,
  details jsonb,
  created_at timestamptz default now()
);
create index admin_logs_admin_id_idx on public.admin_logs (admin_id);
create index admin_logs_created_at_idx on public.admin_logs (created_at);

-- ------------------------------------------------------------------------------------ triggers

create trigger set_profiles_updated_at before update on public.profiles
  for each row execute function public.update_updated_at_column();
create trigger set_products_updated_at before update on public.products
  for each row execute function public.update_updated_at_column();
create trigger set_packs_updated_at before update on public.packs
  for each row execute function public.update_updated_at_column();
create trigger set_product_requests_updated_at before update on public.product_requests
  for each row execute function public.update_updated_at_column();
create trigger set_trending_ideas_updated_at before update on public.trending_ideas
  for each row execute function public.update_updated_at_column();

-- ------------------------------------------------------------------------------ who may do what

alter table public.profiles enable row level security;
alter table public.favorites enable row level security;
alter table public.products enable row level security;
alter table public.products_tags enable row level security;
alter table public.samples enable row level security;
alter table public.tags enable row level security;
alter table public.product_stats enable row level security;
alter table public.product_requests enable row level security;
alter table public.product_request_votes enable row level security;

create policy "Users can view own profile" on public.profiles
  for select using (auth.uid() = id);
create policy "Users can update own profile" on public.profiles
  for update using (auth.uid() = id);
-- Reads the table that it guards: "infinite recursion detected in policy" for everyone but the owner.
create policy "Admins can view all profiles" on public.profiles
  for select using (exists (
    select from public.profiles p where p.id = auth.uid() and p.role in ('ADMIN', 'SUPER_ADMIN')));

create policy "Public products are viewable by everyone" on public.products
  for select using (visibility = 'PUBLIC' and status in ('ACTIVE', 'PUBLISHED'));
create policy "Creators manage their products" on public.products
  for all to authenticated using (creator_id = auth.uid()) with check (creator_id = auth.uid());
create policy "Users manage their favorites" on public.favorites
  for all to authenticated using (user_id = auth.uid()) with check (user_id = auth.uid());
create policy "Samples are viewable by everyone" on public.samples for select using (true);
create policy "Tags are viewable by everyone" on public.tags for select using (true);
create policy "Product tags are viewable by everyone" on public.products_tags
  for select using (true);
create policy "Stats are viewable by everyone" on public.product_stats for select using (true);
create policy "Requests are viewable by everyone" on public.product_requests
  for select using (true);
create policy "Users file requests" on public.product_requests
  for insert to authenticated with check (user_id = auth.uid());
create policy "Votes are viewable by everyone" on public.product_request_votes
  for select using (true);
create policy "Users manage their votes" on public.product_request_votes
  for all to authenticated using (user_id = auth.uid()) with check (user_id = auth.uid());

grant usage on schema public to anon, authenticated, service_role;
grant all on all tables in schema public to anon, authenticated, service_role;
grant all on all sequences in schema public to anon, authenticated, service_role;
grant all on all functions in schema public to anon, authenticated, service_role;
alter default privileges in schema public
  grant all on tables to anon, authenticated, service_role;
alter default privileges in schema public
  grant all on sequences to anon, authenticated, service_role;
alter default privileges in schema public
  grant all on functions to anon, authenticated, service_role;
