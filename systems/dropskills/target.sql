-- Dropskills V2. Plain DDL with bare names: Repot runs it in the schema dropskills_v2, whose tables
-- move to public at the cutover.
--
-- Functions come in two kinds. SQL functions with BEGIN ATOMIC bodies are bound to the tables
-- themselves and right wherever these stand. PL/pgSQL looks names up when it runs: those functions
-- pin search_path to public, where V2 lives from the cutover on. Their triggers sleep before it.

-- ------------------------------------------------------------------------------------- people

create table users (
  id uuid primary key default gen_random_uuid() references auth.users (id) on delete cascade,
  email text not null unique,
  first_name text,
  last_name text,
  avatar_url text,
  role text not null default 'USER' check (role in ('USER', 'ADMIN', 'SUPER_ADMIN')),
  status text not null default 'ACTIVE' check (status in ('ACTIVE', 'INACTIVE', 'SUSPENDED')),
  last_login_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
comment on table users is 'One per sign-up; e-mail and last sign-in follow auth.users';
comment on column users.email is 'Who signed up without one has <id>@no-email.invalid';
create index users_role_idx on users (role) where role <> 'USER';

-- ---------------------------------------------------------------------------------- the shop

create table categories (
  id uuid primary key default gen_random_uuid(),
  name text not null unique,
  slug text not null unique,
  description text,
  icon text,
  color text,
  sort_order int not null default 0,
  is_active boolean not null default true,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

create table packs (
  id uuid primary key default gen_random_uuid(),
  title text not null,
  slug text not null unique,
  description text,
  short_description text,
  content_type text not null default 'MIXED',
  price numeric(10,2) not null default 0,
  original_price numeric(10,2),
  currency text not null default 'EUR',
  cover_image_url text,
  preview_video_url text,
  files jsonb,
  category_id uuid references categories (id),
  difficulty_level text,
  estimated_duration int,
  status text not null default 'DRAFT' check (status in ('DRAFT', 'PUBLISHED', 'ARCHIVED')),
  is_featured boolean not null default false,
  is_free boolean not null default false,
  meta_title text,
  meta_description text,
  published_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
comment on table packs is 'What the shop sells: products and packs of V1';
comment on column packs.estimated_duration is 'minutes';
comment on column packs.is_free is 'Kept by a trigger: price = 0';
create index packs_category_id_idx on packs (category_id);
create index packs_status_newest_idx
  on packs (status, (coalesce(published_at, created_at)) desc, id);
create index packs_featured_idx on packs (created_at desc) where is_featured;

create table user_packs (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null references users (id) on delete cascade,
  pack_id uuid not null references packs (id) on delete cascade,
  transaction_id text,
  payment_method text,
  amount_paid numeric(10,2),
  currency text not null default 'EUR',
  status text not null default 'ACTIVE'
    check (status in ('ACTIVE', 'EXPIRED', 'REFUNDED', 'SUSPENDED')),
  access_granted_at timestamptz not null default now(),
  access_expires_at timestamptz,
  progress_percentage int not null default 0 check (progress_percentage between 0 and 100),
  last_accessed_at timestamptz,
  completion_date timestamptz,
  notes text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (user_id, pack_id)
);
create index user_packs_pack_id_idx on user_packs (pack_id);

create table samples (
  id uuid primary key default gen_random_uuid(),
  pack_id uuid not null references packs (id) on delete cascade,
  title text not null,
  description text,
  file_url text not null,
  file_type text not null check (file_type in ('VIDEO', 'AUDIO', 'PDF', 'IMAGE')),
  file_size bigint,
  duration int,
  sort_order int not null default 0,
  is_active boolean not null default true,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
comment on column samples.file_size is 'bytes';
comment on column samples.duration is 'seconds';
create index samples_pack_id_idx on samples (pack_id, sort_order, created_at);

create table tags (
  id uuid primary key default gen_random_uuid(),
  name text not null unique,
  slug text not null unique,
  color text,
  usage_count int not null default 0,
  created_at timestamptz not null default now()
);
comment on column tags.usage_count is 'Kept by a trigger: rows of pack_tags';

create table pack_tags (
  pack_id uuid not null references packs (id) on delete cascade,
  tag_id uuid not null references tags (id) on delete cascade,
  created_at timestamptz not null default now(),
  primary key (pack_id, tag_id)
);
create index pack_tags_tag_id_idx on pack_tags (tag_id);

create table favorites (
  user_id uuid not null references users (id) on delete cascade,
  pack_id uuid not null references packs (id) on delete cascade,
  created_at timestamptz not null default now(),
  primary key (user_id, pack_id)
);
create index favorites_pack_id_idx on favorites (pack_id);

create table pack_stats (
  pack_id uuid primary key references packs (id) on delete cascade,
  views_count int not null default 0,
  favorites_count int not null default 0,
  samples_downloads int not null default 0,
  purchases_count int not null default 0,
  revenue_total numeric(12,2) not null default 0,
  average_rating numeric(3,2) not null default 0,
  ratings_count int not null default 0,
  last_viewed_at timestamptz,
  updated_at timestamptz not null default now()
);
comment on table pack_stats is 'One per pack; favourites and purchases are kept by triggers';

-- ------------------------------------------------------------------------------------ AI tools

create table ai_tools (
  id uuid primary key default gen_random_uuid(),
  name text not null unique,
  slug text not null unique,
  description text,
  tool_type text not null check (tool_type in ('GENERATOR', 'ANALYZER', 'OPTIMIZER', 'ASSISTANT')),
  api_endpoint text,
  config jsonb,
  is_active boolean not null default true,
  requires_pack_access boolean not null default false,
  pack_id uuid references packs (id) on delete set null,
  daily_limit int check (daily_limit >= 0),
  monthly_limit int check (monthly_limit >= 0),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index ai_tools_pack_id_idx on ai_tools (pack_id);

create table ai_usage (
  id uuid primary key default gen_random_uuid(),
  user_id uuid references users (id) on delete set null,
  tool_id uuid not null references ai_tools (id) on delete cascade,
  input_data jsonb,
  output_data jsonb,
  execution_time_ms int,
  tokens_used int,
  cost_cents int,
  status text not null default 'SUCCESS' check (status in ('SUCCESS', 'ERROR', 'TIMEOUT')),
  error_message text,
  ip_address text,
  user_agent text,
  created_at timestamptz not null default now()
);
comment on column ai_usage.user_id is 'NULL once the user is erased: the statistics stay';
create index ai_usage_user_tool_idx on ai_usage (user_id, tool_id, created_at);
create index ai_usage_tool_id_idx on ai_usage (tool_id);

-- -------------------------------------------------------------------- administration and ideas

create table admin_logs (
  id uuid primary key default gen_random_uuid(),
  admin_id uuid references users (id) on delete set null,
  action text not null,
  resource_type text not null,
  resource_id uuid,
  changes jsonb,
  reason text,
  ip_address text,
  user_agent text,
  created_at timestamptz not null default now()
);
comment on column admin_logs.admin_id is 'NULL once the administrator is erased: the trail stays';
create index admin_logs_admin_id_idx on admin_logs (admin_id);
create index admin_logs_created_at_idx on admin_logs (created_at);
create index admin_logs_resource_idx on admin_logs (resource_type, resource_id);

create table trending_ideas (
  id uuid primary key default gen_random_uuid(),
  title text not null,
  description text not null,
  category text not null,
  difficulty text not null,
  revenue_estimate text not null,
  trend_score int not null default 50,
  tags jsonb,
  is_active boolean not null default true,
  is_featured boolean not null default false,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
comment on column trending_ideas.tags is 'An array; {"raw": text} is what V1 held and is not JSON';
create index trending_ideas_score_idx on trending_ideas (trend_score desc) where is_active;

create table product_requests (
  id uuid primary key default gen_random_uuid(),
  user_id uuid references users (id) on delete set null,
  title text not null,
  description text,
  status text not null default 'IDEA',
  votes int not null default 0,
  created_at timestamptz default now(),
  updated_at timestamptz default now(),
  source text not null default 'AI'
);
create index product_requests_status_votes_idx on product_requests (status, votes desc);
create index product_requests_user_id_idx on product_requests (user_id);

create table product_request_votes (
  request_id uuid not null references product_requests (id) on delete cascade,
  user_id uuid not null references users (id) on delete cascade,
  created_at timestamptz default now(),
  primary key (request_id, user_id)
);
create index product_request_votes_user_id_idx on product_request_votes (user_id);

-- ------------------------------------------------------------------------------------ triggers

create function set_updated_at() returns trigger language plpgsql set search_path = '' as $$
begin
  new.updated_at := now();
  return new;
end
$$;

-- A sign-in is no change of the account: it leaves updated_at alone.
create trigger users_updated_at before update on users
  for each row
  when ((old.email, old.first_name, old.last_name, old.avatar_url, old.role, old.status)
        is distinct from
        (new.email, new.first_name, new.last_name, new.avatar_url, new.role, new.status))
  execute function set_updated_at();
create trigger categories_updated_at before update on categories
  for each row execute function set_updated_at();
create trigger packs_updated_at before update on packs
  for each row execute function set_updated_at();
create trigger user_packs_updated_at before update on user_packs
  for each row execute function set_updated_at();
create trigger samples_updated_at before update on samples
  for each row execute function set_updated_at();
create trigger pack_stats_updated_at before update on pack_stats
  for each row execute function set_updated_at();
create trigger ai_tools_updated_at before update on ai_tools
  for each row execute function set_updated_at();
create trigger trending_ideas_updated_at before update on trending_ideas
  for each row execute function set_updated_at();
create trigger product_requests_updated_at before update on product_requests
  for each row execute function set_updated_at();

create function set_is_free() returns trigger language plpgsql set search_path = '' as $$
begin
  new.is_free := new.price = 0;
  return new;
end
$$;
create trigger packs_is_free before insert or update of price, is_free on packs
  for each row execute function set_is_free();

-- Every pack has its line of statistics from the start.
create function add_pack_stats() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  insert into pack_stats (pack_id) values (new.id) on conflict do nothing;
  return null;
end
$$;
create trigger packs_stats after insert on packs
  for each row execute function add_pack_stats();

create function count_favorites() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  if tg_op <> 'INSERT' then
    update pack_stats set favorites_count = favorites_count - 1 where pack_id = old.pack_id;
  end if;
  if tg_op <> 'DELETE' then
    update pack_stats set favorites_count = favorites_count + 1 where pack_id = new.pack_id;
  end if;
  return null;
end
$$;
create trigger favorites_count after insert or delete or update of pack_id on favorites
  for each row execute function count_favorites();

create function count_purchases() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  if tg_op <> 'INSERT' then
    update pack_stats set purchases_count = purchases_count - 1 where pack_id = old.pack_id;
  end if;
  if tg_op <> 'DELETE' then
    update pack_stats set purchases_count = purchases_count + 1,
                          revenue_total = revenue_total
                            + case when tg_op = 'INSERT' then coalesce(new.amount_paid, 0) else 0 end
    where pack_id = new.pack_id;
  end if;
  return null;
end
$$;
create trigger user_packs_count after insert or delete or update of pack_id on user_packs
  for each row execute function count_purchases();

create function count_tag_usage() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  if tg_op <> 'INSERT' then
    update tags set usage_count = usage_count - 1 where id = old.tag_id;
  end if;
  if tg_op <> 'DELETE' then
    update tags set usage_count = usage_count + 1 where id = new.tag_id;
  end if;
  return null;
end
$$;
create trigger pack_tags_count after insert or delete or update of tag_id on pack_tags
  for each row execute function count_tag_usage();

-- The sign-up trigger on auth.users calls the function of this name in public: V1's before the
-- cutover, this one after it.
create function handle_new_user() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  insert into users (id, email, first_name, last_name, avatar_url, last_login_at)
  values (new.id, coalesce(nullif(new.email, ''), new.id || '@no-email.invalid'),
          new.raw_user_meta_data ->> 'first_name', new.raw_user_meta_data ->> 'last_name',
          new.raw_user_meta_data ->> 'avatar_url', new.last_sign_in_at);
  return new;
end
$$;

-- E-mails live in auth.users alone; the copy in users follows them. outside/account.sql hangs this
-- on auth.users at the cutover.
create function handle_user_changed() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  update users
  set email = coalesce(nullif(new.email, ''), new.id || '@no-email.invalid'),
      last_login_at = new.last_sign_in_at
  where id = new.id;
  return new;
end
$$;

-- ------------------------------------------------------------------------------- the application

create function is_admin() returns boolean
language sql stable security definer set search_path = ''
begin atomic
  select exists (
    select from users u
    where u.id = auth.uid() and u.role in ('ADMIN', 'SUPER_ADMIN') and u.status = 'ACTIVE');
end;
comment on function is_admin() is 'For policies: reads users as its owner, so none can recurse';

create function has_pack(wanted_user uuid, wanted_pack uuid) returns boolean
language sql stable security definer set search_path = ''
begin atomic
  select exists (
    select from user_packs o
    where o.user_id = wanted_user and o.pack_id = wanted_pack and o.status = 'ACTIVE'
      and (o.access_expires_at is null or o.access_expires_at > now()));
end;
comment on function has_pack(uuid, uuid) is 'Whether the user may open the pack now';

create function published_packs(page_size int default 20, page_start int default 0)
returns table (id uuid, title text, slug text, price numeric, category text, views_count int,
               favorites_count int, purchases_count int, samples jsonb, listed_at timestamptz)
language sql stable set search_path = ''
begin atomic
  select p.id, p.title, p.slug, p.price, c.name, coalesce(s.views_count, 0),
         coalesce(s.favorites_count, 0), coalesce(s.purchases_count, 0),
         (select coalesce(jsonb_agg(jsonb_build_object('id', a.id, 'title', a.title,
                                                       'file_type', a.file_type)
                                    order by a.sort_order, a.created_at, a.id), '[]'::jsonb)
          from (select m.id, m.title, m.file_type, m.sort_order, m.created_at from samples m
                where m.pack_id = p.id and m.is_active
                order by m.sort_order, m.created_at, m.id limit 3) a),
         coalesce(p.published_at, p.created_at)
  from packs p
  left join categories c on c.id = p.category_id
  left join pack_stats s on s.pack_id = p.id
  where p.status = 'PUBLISHED'
  order by coalesce(p.published_at, p.created_at) desc, p.id
  limit page_size offset page_start;
end;
comment on function published_packs(int, int) is
  'The shop''s list: newest first, with category, statistics and at most three active samples';

create function ai_tool_state(wanted_user uuid, wanted_tool uuid)
returns table (allowed boolean, reason text, used_today bigint, used_this_month bigint)
language sql stable security definer set search_path = ''
begin atomic
  select r.reason is null, coalesce(r.reason, 'OK'), r.today, r.month
  from (
    select case
             when u.status <> 'ACTIVE' then 'USER_NOT_ACTIVE'
             when not t.is_active then 'TOOL_NOT_ACTIVE'
             when t.requires_pack_access and not has_pack(u.id, t.pack_id) then 'PACK_REQUIRED'
             when n.today >= t.daily_limit then 'DAILY_LIMIT'
             when n.month >= t.monthly_limit then 'MONTHLY_LIMIT'
           end as reason, n.today, n.month
    from users u
    cross join ai_tools t
    cross join lateral (
      select count(*) filter (
               where a.created_at >= date_trunc('day', now() at time zone 'UTC')
                                       at time zone 'UTC') as today,
             count(*) as month
      from ai_usage a
      where a.user_id = u.id and a.tool_id = t.id and a.status = 'SUCCESS'
        and a.created_at >= date_trunc('month', now() at time zone 'UTC') at time zone 'UTC') n
    where u.id = wanted_user and t.id = wanted_tool) r;
end;
comment on function ai_tool_state(uuid, uuid) is
  'Whether the user may use the tool now, or which rule forbids it. Days and months are UTC''s';

create function use_ai_tool(wanted_user uuid, wanted_tool uuid, input jsonb default null)
returns uuid language plpgsql security definer set search_path = public, pg_temp as $$
declare
  state record;
  made uuid;
begin
  if auth.uid() is not null and auth.uid() <> wanted_user then
    raise exception 'AI tools are used in one''s own name' using errcode = '42501';
  end if;
  -- Two calls at once would both find the last free use.
  perform pg_advisory_xact_lock(hashtextextended(wanted_user::text || wanted_tool::text, 0));
  select * into state from ai_tool_state(wanted_user, wanted_tool);
  if state.allowed is not true then
    raise exception 'AI tool refused: %', coalesce(state.reason, 'UNKNOWN') using errcode = 'P0001';
  end if;
  insert into ai_usage (user_id, tool_id, input_data) values (wanted_user, wanted_tool, input)
  returning id into made;
  return made;
end
$$;

-- Erases a person: the account, what they owned and liked, and what the AI usage says of them. The
-- audit trail and the usage figures stay, without the person. The deletion is logged under the
-- acting administrator, or under nobody where people erase themselves.
create function delete_user_gdpr(erased uuid, acting uuid, why text default null)
returns void language plpgsql security definer set search_path = public, pg_temp as $$
begin
  if auth.uid() is not null and auth.uid() <> acting then
    raise exception 'nobody acts in another''s name' using errcode = '42501';
  end if;
  if acting <> erased and not exists (
    select from users where id = acting and role in ('ADMIN', 'SUPER_ADMIN') and status = 'ACTIVE')
  then
    raise exception 'only an administrator may erase somebody else' using errcode = '42501';
  end if;
  perform from users where id = erased for update;
  if not found then
    raise exception 'there is no user %', erased using errcode = 'P0002';
  end if;
  update ai_usage
  set user_id = null, input_data = null, output_data = null, error_message = null,
      ip_address = null, user_agent = null
  where user_id = erased;
  update admin_logs set admin_id = null, ip_address = null, user_agent = null
  where admin_id = erased;
  insert into admin_logs (admin_id, action, resource_type, resource_id, reason)
  values (nullif(acting, erased), 'USER_ERASED', 'users', erased, why);
  delete from auth.users where id = erased;  -- users and all that hangs on it goes with it
end
$$;

-- ------------------------------------------------------------------------------ who may do what

alter table users enable row level security;
alter table categories enable row level security;
alter table packs enable row level security;
alter table user_packs enable row level security;
alter table samples enable row level security;
alter table tags enable row level security;
alter table pack_tags enable row level security;
alter table favorites enable row level security;
alter table pack_stats enable row level security;
alter table ai_tools enable row level security;
alter table ai_usage enable row level security;
alter table admin_logs enable row level security;
alter table trending_ideas enable row level security;
alter table product_requests enable row level security;
alter table product_request_votes enable row level security;

create policy users_own on users for select using (id = (select auth.uid()));
create policy users_own_update on users for update to authenticated
  using (id = (select auth.uid())) with check (id = (select auth.uid()));
create policy users_admin on users for all to authenticated
  using ((select is_admin())) with check ((select is_admin()));

create policy categories_read on categories for select using (true);
create policy categories_admin on categories for all to authenticated
  using ((select is_admin())) with check ((select is_admin()));

create policy packs_published on packs for select using (status = 'PUBLISHED');
create policy packs_owned on packs for select to authenticated
  using (has_pack((select auth.uid()), id));
create policy packs_admin on packs for all to authenticated
  using ((select is_admin())) with check ((select is_admin()));

create policy user_packs_own on user_packs for select to authenticated
  using (user_id = (select auth.uid()));
create policy user_packs_admin on user_packs for all to authenticated
  using ((select is_admin())) with check ((select is_admin()));

create policy samples_active on samples for select using (
  is_active and exists (select from packs p where p.id = pack_id and p.status = 'PUBLISHED'));
create policy samples_admin on samples for all to authenticated
  using ((select is_admin())) with check ((select is_admin()));

create policy tags_read on tags for select using (true);
create policy tags_admin on tags for all to authenticated
  using ((select is_admin())) with check ((select is_admin()));
create policy pack_tags_read on pack_tags for select using (true);
create policy pack_tags_admin on pack_tags for all to authenticated
  using ((select is_admin())) with check ((select is_admin()));

create policy favorites_own on favorites for all to authenticated
  using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));

create policy pack_stats_read on pack_stats for select using (true);
create policy pack_stats_admin on pack_stats for all to authenticated
  using ((select is_admin())) with check ((select is_admin()));

create policy ai_tools_active on ai_tools for select to authenticated using (is_active);
create policy ai_tools_admin on ai_tools for all to authenticated
  using ((select is_admin())) with check ((select is_admin()));
create policy ai_usage_own on ai_usage for select to authenticated
  using (user_id = (select auth.uid()));
create policy ai_usage_admin on ai_usage for select to authenticated using ((select is_admin()));

create policy admin_logs_read on admin_logs for select to authenticated
  using ((select is_admin()));
create policy admin_logs_write on admin_logs for insert to authenticated
  with check ((select is_admin()) and admin_id = (select auth.uid()));

create policy trending_ideas_active on trending_ideas for select using (is_active);
create policy trending_ideas_admin on trending_ideas for all to authenticated
  using ((select is_admin())) with check ((select is_admin()));

create policy product_requests_read on product_requests for select using (true);
create policy product_requests_file on product_requests for insert to authenticated
  with check (user_id = (select auth.uid()));
create policy product_requests_admin on product_requests for all to authenticated
  using ((select is_admin())) with check ((select is_admin()));
create policy votes_read on product_request_votes for select using (true);
create policy votes_own on product_request_votes for all to authenticated
  using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));

-- Policies decide about rows; these say which statements a role may try at all. Nobody but an
-- administrator's policy lets a role or a price be written, and users may not touch their own role.
grant all on users, categories, packs, user_packs, samples, tags, pack_tags, favorites, pack_stats,
  ai_tools, ai_usage, admin_logs, trending_ideas, product_requests, product_request_votes
  to service_role;
grant select on categories, packs, samples, tags, pack_tags, pack_stats, trending_ideas,
  product_requests, product_request_votes to anon, authenticated;
grant select on users, user_packs, favorites, ai_tools, ai_usage, admin_logs to authenticated;
grant update (first_name, last_name, avatar_url) on users to authenticated;
grant insert, delete on favorites, product_request_votes to authenticated;
grant insert on product_requests, admin_logs to authenticated;
grant insert, update, delete on categories, packs, user_packs, samples, tags, pack_tags, ai_tools,
  trending_ideas to authenticated;
grant update, delete on product_requests to authenticated;

revoke execute on function delete_user_gdpr(uuid, uuid, text) from public, anon, authenticated;
revoke execute on function use_ai_tool(uuid, uuid, jsonb) from public, anon;
revoke execute on function ai_tool_state(uuid, uuid) from public, anon;
grant execute on function delete_user_gdpr(uuid, uuid, text) to service_role;
grant execute on function use_ai_tool(uuid, uuid, jsonb) to authenticated, service_role;
grant execute on function ai_tool_state(uuid, uuid) to authenticated, service_role;
grant execute on function is_admin(), has_pack(uuid, uuid), published_packs(int, int)
  to anon, authenticated, service_role;
