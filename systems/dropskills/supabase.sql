-- What Supabase gives every project, as far as Dropskills leans on it: three roles, the schema auth
-- with its users and claim functions, the schema extensions. Only a stand-in for trying things out:
-- on a real Supabase project all of this is there, and Repot never changes it.
-- Needs the right to create roles and schemas. Runs on PostgreSQL 14 and later, without extensions.

do $roles$
declare
  wanted record;
begin
  for wanted in
    select * from (values ('anon', 'nologin noinherit'),
                          ('authenticated', 'nologin noinherit'),
                          ('service_role', 'nologin noinherit bypassrls')) as r (name, options)
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
end
$roles$;

create schema if not exists extensions;
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

grant usage on schema auth, extensions to anon, authenticated, service_role;
grant execute on all functions in schema auth to anon, authenticated, service_role;
grant select on auth.users to service_role;
