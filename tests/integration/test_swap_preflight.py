"""Everything that a swap would break is said beforehand, and a role needs no more than it must."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from repot.embedded import EmbeddedServer
from repot.engine.swap import preflight
from repot.model.finding import Finding
from repot.postgres.connect import connection
from support.sql import rows, run
from support.swapping import make_session, switch_over

BASE = """
create schema app_v2; create schema other;
create table public.items (id int primary key, title text, gone int);
create table public.lost (a int);
create table app_v2.items (id int primary key, title text);
"""


def found(dsn: str, script: str, swap: str = "tables", **plan: object) -> dict[str, Finding]:
    session = make_session(dsn, BASE + script, outside=(), **plan)
    with connection(dsn) as conn:
        return {f.code: f for f in preflight(conn, session.plan, swap)}


CASES: dict[str, tuple[str, str, str, str]] = {  # code: script, swap kind, severity, mentioned
    "body-names-v1": (
        "create function other.f() returns int language plpgsql as"
        " $$ begin return (select count(*) from lost); end $$",
        "tables",
        "warning",
        "lost",
    ),
    "function-search-path": (
        "create function app_v2.f() returns int language sql set search_path = app_v2, pg_temp"
        " as 'select 1'",
        "tables",
        "error",
        "app_v2",
    ),
    "body-names-target": (
        "create function app_v2.f() returns int language plpgsql as"
        " $$ begin return (select 1 from app_v2.items); end $$",
        "tables",
        "warning",
        "app_v2",
    ),
    "retired-without-successor": (
        "create view public.seen as select id from public.items",
        "tables",
        "warning",
        "public.seen",
    ),
    "type-twice": (
        "create type public.mood as enum ('a'); create type app_v2.mood as enum ('b')",
        "tables",
        "warning",
        "mood",
    ),
    "extension-not-relocatable": (
        "create extension pg_trgm schema public; update pg_extension set extrelocatable = false"
        " where extname = 'pg_trgm'",
        "schema",
        "error",
        "pg_trgm",
    ),
    "extension-carried": ("create extension pg_trgm schema public", "schema", "info", "pg_trgm"),
    "inherits-from-outside": (
        "create table other.heir () inherits (public.items)",
        "tables",
        "error",
        "other.heir",
    ),
    "part-of-outside": (
        "create table other.whole (k int) partition by list (k);"
        "create table public.part partition of other.whole for values in (1)",
        "tables",
        "error",
        "other.whole",
    ),
    "outside-column-type": (
        "create table other.box (one public.items)",
        "tables",
        "error",
        "other.box",
    ),
    "outside-keeps-v1": (
        "create type public.mood as enum ('a'); create type app_v2.mood as enum ('b');"
        "create function public.ok(public.mood) returns bool immutable language sql as"
        " 'select true';"
        "create domain other.d as text check (public.ok('a'::public.mood));",
        "schema",
        "warning",
        "other.d",
    ),
    "target-uses-v1": (
        "create view app_v2.old as select count(*) from public.items",
        "tables",
        "error",
        "app_v2.old",
    ),
    "sequence-shared": (
        "create sequence public.shared; alter table app_v2.items add n bigint"
        " default nextval('public.shared')",
        "tables",
        "info",
        "public.shared",
    ),
    "sequence-scan": (
        "alter table app_v2.items add n bigserial",
        "tables",
        "warning",
        "items.n",
    ),
    "cron-names-v1": (
        "create schema cron; create table cron.job (jobid bigint, command text);"
        "insert into cron.job values (7, 'delete from public.lost'), (8, 'select 1 from items')",
        "tables",
        "warning",
        "job 7",
    ),
    "event-trigger": (
        "create function other.e() returns event_trigger language plpgsql as $$ begin end $$;"
        "create event trigger watch on ddl_command_end execute function other.e()",
        "tables",
        "info",
        "watch",
    ),
    "replica-identity": (
        "alter table public.items alter title set not null;"
        "create unique index on public.items (title);"
        "alter table public.items replica identity using index items_title_idx",
        "tables",
        "warning",
        "items",
    ),
    "name-taken": (
        "create table app_v2.pg_stat_statements (a int); create extension pg_stat_statements",
        "tables",
        "error",
        "pg_stat_statements",
    ),
    "publication-all-tables": (
        "create publication everything for all tables",
        "tables",
        "warning",
        "everything",
    ),
    "prepared-statements": ("", "tables", "info", "1 tables"),
    "schema-carried": ("", "schema", "info", "public"),
}


@pytest.mark.parametrize("code", CASES)
def test_finding(database: str, code: str) -> None:
    script, swap, severity, mentioned = CASES[code]
    finding = found(database, script, swap)[code]
    assert finding.severity == severity
    assert mentioned in finding.message
    assert finding.hint or finding.severity == "info"


def test_nothing_is_found_where_nothing_breaks(database: str) -> None:
    """No false alarm: functions that name what V2 has, comments, words within words."""
    script = """
    create function other.f() returns int language plpgsql as
      $$ -- lost and gone
      begin return (select count(*) from items where title = 'the lostness'); end $$;
    drop table public.lost;
    """
    codes = {c for c, f in found(database, script).items() if f.severity != "info"}
    assert codes == set()


def test_tables_filled_by_a_subscription_stop_the_swap(make_database: Callable[..., str]) -> None:
    source, target = make_database(), make_database()
    run(source, "create table public.items (id int primary key, title text, gone int)")
    run(source, "create publication pub for table public.items")
    run(source, "select pg_create_logical_replication_slot('for_repot_test', 'pgoutput')")
    run(target, BASE)
    try:
        with psycopg.connect(target, autocommit=True) as conn:
            text = psycopg.sql.SQL(
                "create subscription sub connection {} publication pub with (create_slot = false,"
                " enabled = false, copy_data = false, slot_name = 'for_repot_test')"
            ).format(psycopg.sql.Literal(source))
            conn.execute(text)
        session = make_session(target, outside=())
        with connection(target) as conn:
            codes = {f.code: f.severity for f in preflight(conn, session.plan, "tables")}
        assert codes["subscription-fills-v1"] == "error"
    finally:
        run(target, "alter subscription sub set (slot_name = none)")
        run(target, "drop subscription sub")
        run(source, "select pg_drop_replication_slot('for_repot_test')")


@pytest.fixture
def owner(server: EmbeddedServer) -> Iterator[str]:
    """A role that is no superuser."""
    run(server.dsn(), "create role plain_owner login")
    yield "plain_owner"
    run(server.dsn(), "drop role plain_owner")


PLAIN = """
create schema auth; create table auth.users (id int primary key);
create function auth.touch() returns trigger language plpgsql as $$ begin return new; end $$;
grant usage on schema auth to plain_owner; grant all on auth.users to plain_owner;
grant create on database {db} to plain_owner; create schema shop authorization plain_owner;
set role plain_owner; create schema shop_v2;
create table shop.profiles (id int primary key references auth.users on delete cascade);
create table shop.items (id serial primary key, title text);
create view shop.titles as select title from shop.items;
create function shop.on_user() returns trigger language plpgsql security definer
  set search_path = shop as $$ begin insert into profiles values (new.id); return new; end $$;
create trigger on_user after insert on auth.users
  for each row execute function shop.on_user();
create table shop_v2.people (id int primary key references auth.users on delete cascade);
create table shop_v2.items (id int primary key generated always as identity, title text);
create function shop_v2.on_user() returns trigger language plpgsql security definer
  set search_path = shop as $$ begin insert into people values (new.id); return new; end $$;
create view shop_v2.titles as select title from shop_v2.items;
"""


@pytest.mark.parametrize("kind", ["tables", "schema"])
def test_a_role_that_is_no_superuser_swaps_both_ways(owner: str, database: str, kind: str) -> None:
    """It owns V1 and V2, and has only TRIGGER and the like on auth.users, which another owns."""
    name = rows(database, "select current_database()")[0][0]
    run(database, PLAIN.format(db=name))
    dsn = make_conninfo(database, user=owner)
    session = make_session(dsn, v1="shop", v2="shop_v2", old="shop_old", swap=kind)
    with connection(dsn) as conn:
        errors = [f for f in preflight(conn, session.plan, kind) if f.severity == "error"]
    assert errors == []
    for number, (to, table) in enumerate([("v2", "people"), ("v1", "profiles"), ("v2", "people")]):
        switch_over(session, to)
        run(database, f"insert into auth.users values ({number})")
        run(dsn, "insert into shop.items (title) values ('x')")
        assert rows(dsn, f"select max(id) from shop.{table}") == [(number,)]


def test_what_another_owns_is_said_beforehand(owner: str, database: str) -> None:
    name = rows(database, "select current_database()")[0][0]
    script = PLAIN.format(db=name) + "reset role; create table shop_v2.alien (a int);"
    script += "create schema stats; create view stats.v as select id from shop.items;"
    script += "revoke all on auth.users from plain_owner;"
    script += "grant select, trigger, references on auth.users to plain_owner;"
    run(database, script)
    dsn = make_conninfo(database, user=owner)
    session = make_session(dsn, v1="shop", v2="shop_v2", old="shop_old")
    with connection(dsn) as conn:
        codes = {f.code: f for f in preflight(conn, session.plan, "tables")}
    assert "alien" in codes["right-owner"].message
    assert "stats.v" in codes["right-outside"].message
    assert codes["right-lock"].object == "auth.users"
