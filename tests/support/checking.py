"""A small system with sign-up, credits and rules of access, and a folder of checks that all pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

CLEAN = """
do $$ begin
  if to_regrole('check_anon') is null then create role check_anon; end if;
  if to_regrole('check_user') is null then create role check_user; end if;
exception when duplicate_object or unique_violation then null;
end $$;
create schema auth;
create table auth.users (id uuid primary key, email text unique);
create table profiles (id uuid primary key references auth.users on delete cascade,
  credits int not null default 0 check (credits >= 0));
create table ledger (id int generated always as identity primary key, "Of" uuid not null references profiles,
  amount int not null, event text unique);
alter table ledger add constraint named unique (id, event) deferrable initially deferred;
create table "Länder" (code text primary key);
alter table profiles enable row level security;
alter table ledger enable row level security;
create policy own on profiles using (id::text = current_setting('check.user', true));
grant usage on schema public to check_anon, check_user;
grant select, update on profiles to check_user;
create type mood as enum ('good', 'bad');
create function handle_new_user() returns trigger language plpgsql security definer
  set search_path = public as $$ begin insert into profiles (id) values (new.id); return new; end $$;
create trigger on_auth_user_created after insert on auth.users
  for each row execute function handle_new_user();
create function add_credits(user_id uuid, amount int, event text default null) returns int
  language plpgsql security definer set search_path = public, pg_temp as $$
begin
  insert into ledger ("Of", amount, event) values (user_id, amount, event);
  update profiles set credits = credits + add_credits.amount where id = user_id;
  return (select credits from profiles where id = user_id);
end $$;
revoke execute on function add_credits from public;
grant execute on function add_credits to check_user;
create function moods(inout n bigint, out "First" mood, variadic many mood[] default array[]::mood[]) returns setof record
  language sql immutable as 'select n, many[1]';
create function both_of() returns table (a int, b text) language sql as $$ select 1, 'b' $$;
create procedure tidy() language sql as 'select 1';
"""

CHECKS = """
schema = "public"
features = ["credits"]
roles = ["check_anon", "check_user"]

[[function]]
signature = "handle_new_user() returns trigger"
security = "definer"
search_path = ["public"]

[[function]]
signature = "add_credits(user_id uuid, amount int, event text default null) returns int4"
security = "definer"
search_path = ["public", "pg_temp"]
execute = ["check_user"]
language = "plpgsql"
volatility = "volatile"

[[function]]
signature = 'moods(inout n bigint, out "First" mood, variadic many mood[] default array[]::mood[]) returns setof record'
security = "invoker"

[[function]]
signature = "public.both_of() returns table (a integer, b text)"

[[function]]
signature = "tidy()"
kind = "procedure"

[[trigger]]
name = "on_auth_user_created"
table = "auth.users"
timing = "after"
events = ["insert"]
function = "handle_new_user"

[row_security]
[[row_security.except]]
table = '"Länder"'
reason = "everybody reads it"

[absent]
functions = ["award_credits"]
tables = ["credits_transactions"]
types = ["status"]
"""

FEATURE = """-- Credits are given and booked.
select set_config('check.user', gen_random_uuid()::text, true);
insert into auth.users values (current_setting('check.user')::uuid, 'new@check.invalid');
-- expect: a profile with nothing
select 'no profile' where not exists (
  select from profiles where id::text = current_setting('check.user') and credits = 0);
set local role check_user;
select add_credits(current_setting('check.user')::uuid, 5, 'one');
-- expect error: unique_violation: an event counts once
select add_credits(current_setting('check.user')::uuid, 5, 'one');
-- expect error: insufficient_privilege
select * from ledger;
reset role;
-- expect: the balance is the ledger's sum
select p.id, p.credits from profiles p where credits <> (select sum(amount) from ledger where "Of" = p.id);
"""

QUERY = "select id from profiles where credits < 0"

Files = dict[str, str]
FILES: Files = {
    "checks.toml": CHECKS,
    "features/credits.sql": FEATURE,
    "checks/balance.sql": QUERY,
}

Check = Callable[..., tuple[int, Any]]


def failed(document: dict[str, Any]) -> list[tuple[str, str]]:
    """Kind and reasons of the checks that failed."""
    return [
        (c["kind"], "; ".join(c["reasons"])) for c in document["checks"] if c["outcome"] == "failed"
    ]
