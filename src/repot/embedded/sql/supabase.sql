-- What Supabase gives every project, as far as an application's schema leans on it: its roles, the
-- schema auth with users and claim functions, the schema storage with buckets and objects, the schema
-- extensions. Only a stand-in for trying things out: on a real Supabase project all of this is there,
-- and Repot never changes it.
-- Needs the right to create roles and schemas. Runs on PostgreSQL 14 and later; pgvector is used where
-- the server has it.

do $roles$
declare
  wanted record;
begin
  for wanted in
    select * from (values ('anon', 'nologin noinherit'),
                          ('authenticated', 'nologin noinherit'),
                          ('service_role', 'nologin noinherit bypassrls'),
                          ('authenticator', 'nologin noinherit')) as r (name, options)
  loop
    if not exists (select from pg_catalog.pg_roles where rolname = wanted.name) then
      begin
        execute format('create role %I %s', wanted.name, wanted.options);
      exception
        when duplicate_object or unique_violation then null;  -- somebody else just did
        when insufficient_privilege then  -- only a superuser may give BYPASSRLS
          execute format('create role %I nologin noinherit', wanted.name);
      end;
    end if;
  end loop;
  begin
    grant anon, authenticated, service_role to authenticator;
  exception
    when insufficient_privilege or unique_violation then null;
    when others then
      if sqlstate <> 'XX000' then raise; end if;  -- "tuple concurrently updated": somebody else just did
  end;
end
$roles$;

create schema if not exists extensions;
grant usage on schema extensions to anon, authenticated, service_role;

do $extensions$
begin
  if exists (select from pg_catalog.pg_available_extensions where name = 'vector') then
    create extension if not exists vector with schema extensions;
  end if;
exception
  when insufficient_privilege then null;  -- the owner of the database may add it
end
$extensions$;

-- ------------------------------------------------------------------------------------ auth

create schema auth;

create table auth.users (
  instance_id uuid,
  id uuid not null primary key,
  aud varchar(255),
  role varchar(255),
  email varchar(255),
  encrypted_password varchar(255),
  email_confirmed_at timestamptz,
  last_sign_in_at timestamptz,
  raw_app_meta_data jsonb,
  raw_user_meta_data jsonb,
  is_super_admin boolean,
  created_at timestamptz,
  updated_at timestamptz,
  phone text unique,
  is_sso_user boolean not null default false,
  deleted_at timestamptz,
  is_anonymous boolean not null default false
);
comment on table auth.users is 'Auth: Stores user login data within a secure schema.';
create unique index users_email_partial_key on auth.users (email) where is_sso_user = false;

create function auth.jwt() returns jsonb language sql stable as $$
  select coalesce(nullif(current_setting('request.jwt.claims', true), ''), '{}')::jsonb
$$;
create function auth.uid() returns uuid language sql stable as $$
  select nullif(auth.jwt() ->> 'sub', '')::uuid
$$;
create function auth.role() returns text language sql stable as $$
  select auth.jwt() ->> 'role'
$$;
create function auth.email() returns text language sql stable as $$
  select auth.jwt() ->> 'email'
$$;

grant usage on schema auth to anon, authenticated, service_role;
grant execute on all functions in schema auth to anon, authenticated, service_role;
grant select on auth.users to service_role;

-- ------------------------------------------------------------------------------------ storage

create schema storage;

create table storage.buckets (
  id text not null primary key,
  name text not null unique,
  owner uuid,
  public boolean default false,
  file_size_limit bigint,
  allowed_mime_types text[],
  created_at timestamptz default now(),
  updated_at timestamptz default now()
);
create table storage.objects (
  id uuid not null default gen_random_uuid() primary key,
  bucket_id text references storage.buckets (id),
  name text,
  owner uuid,
  metadata jsonb,
  created_at timestamptz default now(),
  updated_at timestamptz default now(),
  last_accessed_at timestamptz default now(),
  unique (bucket_id, name)
);
alter table storage.buckets enable row level security;
alter table storage.objects enable row level security;

create function storage.foldername(name text) returns text[] language sql immutable as $$
  select (string_to_array(name, '/'))[1 : array_length(string_to_array(name, '/'), 1) - 1]
$$;
create function storage.filename(name text) returns text language sql immutable as $$
  select (string_to_array(name, '/'))[array_length(string_to_array(name, '/'), 1)]
$$;

grant usage on schema storage to anon, authenticated, service_role;
grant all on all tables in schema storage to anon, authenticated, service_role;
grant execute on all functions in schema storage to anon, authenticated, service_role;

-- ------------------------------------------------------------------------------------ public

grant usage on schema public to anon, authenticated, service_role;
