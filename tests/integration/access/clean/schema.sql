-- A small Supabase project in good order: people, their notes in folders, a ledger, an audit trail.
set search_path = public;

create table people (
  id uuid primary key references auth.users (id) on delete cascade,
  email text not null unique,
  full_name text,
  role text not null default 'user' check (role in ('user', 'admin')),
  credits int not null default 0 check (credits >= 0)
);
create table "Folders" (
  id int primary key generated always as identity,
  user_id uuid not null references people (id) on delete cascade,
  name text not null,
  unique (user_id, name)
);
create table notes (
  id uuid primary key default gen_random_uuid(),
  folder_id int not null references "Folders" (id) on delete restrict,
  user_id uuid not null references people (id) on delete cascade,
  title text not null check (title <> ''),
  tags text[] not null default '{}',
  is_public boolean not null default false,
  created_at timestamptz not null default now()
);
create table labels (  -- whose they are, the folder says
  folder_id int not null references "Folders" (id) on delete cascade,
  label text not null,
  primary key (folder_id, label)
);
create table ledger (
  id bigint primary key generated always as identity,
  user_id uuid not null references people (id) on delete cascade,
  amount int not null check (amount <> 0)
);
create table audit_trail (at timestamptz not null default now(), what text not null);

create function is_admin() returns boolean language sql stable security definer
  set search_path = '' as $$
  select exists (select from public.people p where p.id = auth.uid() and p.role = 'admin')
$$;
create function give_credits(to_whom uuid, how_many int) returns void language plpgsql
  security definer set search_path = '' as $$
begin
  if not public.is_admin() then
    raise exception 'only administrators give credits' using errcode = '42501';
  end if;
  insert into public.ledger (user_id, amount) values (to_whom, how_many);
end $$;
create function noted() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  insert into public.audit_trail (what) values (tg_op || ' ' || tg_table_name);
  perform pg_notify('noted', tg_op);
  return null;
end $$;
create trigger noted after insert or update or delete on notes
  for each row execute function noted();

create view public_notes with (security_invoker = true) as
  select id, title, created_at from notes where is_public;
create materialized view note_counts as
  select count(*) as notes from notes;

alter table people enable row level security;
alter table "Folders" enable row level security;
alter table notes enable row level security;
alter table labels enable row level security;
alter table ledger enable row level security;
alter table audit_trail enable row level security;

create policy own on people for select to authenticated using (id = (select auth.uid()));
create policy own_change on people for update to authenticated
  using (id = (select auth.uid())) with check (id = (select auth.uid()));
create policy admins on people for all to authenticated
  using ((select is_admin())) with check ((select is_admin()));
create policy own on "Folders" for all to authenticated
  using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
create policy admins on "Folders" for select to authenticated using ((select is_admin()));
create policy visible on notes for select to anon, authenticated
  using (is_public or user_id = (select auth.uid()));
create policy admins on notes for select to authenticated using ((select is_admin()));
create policy own_add on notes for insert to authenticated
  with check (user_id = (select auth.uid()));
create policy own_change on notes for update to authenticated
  using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
create policy own_remove on notes for delete to authenticated
  using (user_id = (select auth.uid()));
create policy own on labels for all to authenticated
  using (exists (select from "Folders" f where f.id = folder_id and f.user_id = (select auth.uid())))
  with check (exists (select from "Folders" f
                       where f.id = folder_id and f.user_id = (select auth.uid())));
create policy own on ledger for select to authenticated using (user_id = (select auth.uid()));
create policy admins on ledger for select to authenticated using ((select is_admin()));
create policy admins on audit_trail for select to authenticated using ((select is_admin()));

grant select, insert, update, delete on all tables in schema public to service_role;
revoke insert, update, delete on note_counts from service_role;
grant select on people to authenticated;
grant update (full_name) on people to authenticated;
grant select, insert, update, delete on "Folders", notes, labels to authenticated;
grant select on notes, public_notes to anon;
grant select on public_notes, ledger, audit_trail to authenticated;
revoke execute on all functions in schema public from public;
grant execute on function is_admin() to authenticated, service_role;
grant execute on function give_credits(uuid, int) to authenticated, service_role;
alter default privileges revoke execute on functions from public;  -- IN SCHEMA would do nothing

insert into auth.users (id, email)
select ('00000000-0000-0000-0000-00000000000' || n)::uuid, 'u' || n || '@example.com'
  from generate_series(1, 5) n;
insert into people (id, email, full_name, role)
select id, email, 'P ' || email, case when email = 'u1@example.com' then 'admin' else 'user' end
  from auth.users;
insert into "Folders" (user_id, name) select id, 'first' from people order by id;
insert into notes (folder_id, user_id, title, is_public)
select f.id, f.user_id, 'note ' || n, n = 1 from "Folders" f, generate_series(1, 3) n;
insert into labels select id, 'blue' from "Folders";
insert into ledger (user_id, amount) select id, 5 from people;
refresh materialized view note_counts;
