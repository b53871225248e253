"""Objects of other schemas that hang on V1: led to V2, and led back."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from repot.engine.session import Session
from repot.engine.swap import preflight
from repot.model.errors import RepotError
from repot.postgres.connect import connection
from support.sql import connect, rows, run
from support.swapping import make_session, switch_over

SIGN_UP = """
create schema auth; create schema app_v2;
create table auth.users (id int primary key, email text);
create table public.profiles (id int primary key references auth.users on delete cascade,
                              role text);
create function public.handle_new_user() returns trigger language plpgsql security definer as
  $$ begin insert into public.profiles values (new.id, 'USER'); return new; end $$;
create trigger on_signup after insert on auth.users
  for each row execute function public.handle_new_user();
create table app_v2.users (id int primary key references auth.users on delete cascade,
                           role text, email text);
"""
V2_FUNCTION = """
create function app_v2.handle_new_user() returns trigger language plpgsql security definer as
  $$ begin insert into public.users values (new.id, 'NEW', new.email); return new; end $$;
"""


@pytest.mark.parametrize("kind", ["tables", "schema"])
def test_sign_up_works_after_the_swap_and_after_the_swap_back(database: str, kind: str) -> None:
    session = make_session(database, SIGN_UP + V2_FUNCTION, swap=kind)
    sign_up(database, 1)
    assert rows(database, "select id, role from public.profiles") == [(1, "USER")]
    switch_over(session)
    sign_up(database, 2)
    assert rows(database, "select id, role, email from public.users") == [(2, "NEW", "u2")]
    switch_over(session, "v1")
    sign_up(database, 3)
    assert rows(database, "select id from public.profiles order by 1") == [(1,), (3,)]
    assert rows(database, "select count(*) from app_v2.users") == [(1,)]
    switch_over(session)
    sign_up(database, 4)
    assert rows(database, "select count(*) from public.users") == [(2,)]


def sign_up(dsn: str, number: int) -> None:
    run(dsn, f"insert into auth.users values ({number}, 'u{number}')")


def findings(session: Session) -> dict[str, Any]:
    with connection(session.dsn) as conn:
        return {f.code: f for f in preflight(conn, session.plan, session.plan.cutover.swap)}


def test_a_sign_up_that_would_break_is_an_error_of_the_plan(database: str) -> None:
    session = make_session(database, SIGN_UP)
    found = findings(session)["outside-trigger-breaks"]
    assert found.severity == "error"
    assert "profiles" in found.message
    assert "outside/handle_new_user.sql" in found.hint


REWRITE = """
create or replace function handle_new_user() returns trigger language plpgsql security definer as
  $$ begin insert into users values (new.id, 'FILE'); return new; end $$;
create function auth.added() returns int language sql as 'select 1';
drop trigger on_signup on auth.users;
create trigger on_signup_2 after insert on auth.users
  for each row execute function handle_new_user();
"""


def test_what_a_file_of_outside_renames_bears_its_name_again(database: str) -> None:
    session = make_session(
        database,
        SIGN_UP + V2_FUNCTION + "create function auth.f() returns int language sql as 'select 1';",
        outside_sql=[("f", "alter function auth.f() rename to g")],
    )
    there = (
        "select to_regprocedure('auth.f()') is not null, to_regprocedure('auth.g()') is not null"
    )
    switch_over(session)
    assert rows(database, there) == [(False, True)]
    switch_over(session, "v1")
    assert rows(database, there) == [(True, False)]


def test_a_file_of_outside_changes_what_it_must_and_the_rollback_undoes_it(database: str) -> None:
    session = make_session(
        database,
        SIGN_UP + "alter function public.handle_new_user() set search_path = public;",
        outside_sql=[("sign-up", REWRITE), ("sign-up.back", "create table auth.went_back ()")],
    )
    assert not [f for f in findings(session).values() if f.severity == "error"]
    triggers = "select tgname from pg_trigger where tgrelid = 'auth.users'::regclass"
    triggers += " and not tgisinternal"
    before = rows(database, "select pg_get_functiondef('public.handle_new_user'::regproc)")
    for number in (1, 3):
        switch_over(session)
        run(database, "alter function public.handle_new_user() set search_path = public")
        sign_up(database, number)
        assert rows(database, "select role from public.users where id = %s", (number,)) == [
            ("FILE",)
        ]
        assert rows(database, triggers) == [("on_signup_2",)]
        assert switch_over(session, "v1").value.left == []  # it is dropped, so nothing stays
        sign_up(database, number + 1)
        assert rows(database, "select role from public.profiles where id = %s", (number + 1,)) == [
            ("USER",)
        ]
        assert rows(database, triggers) == [("on_signup",)]
        assert rows(database, "select to_regprocedure('auth.added()')") == [(None,)]
        after = rows(database, "select pg_get_functiondef('public.handle_new_user'::regproc)")
        assert after == before
        run(database, "drop table auth.went_back")


@pytest.mark.parametrize("text", ["commit", "create table x(); rollback; begin"])
def test_a_file_of_outside_cannot_end_the_transaction(database: str, text: str) -> None:
    session = make_session(database, SIGN_UP + V2_FUNCTION, outside_sql=[("x", text)])
    assert findings(session)["outside-sql-transaction"].severity == "error"
    with pytest.raises(RepotError) as failed:
        switch_over(session)
    assert failed.value.code == "outside-sql-transaction"
    assert rows(database, "select to_regclass('app_old.profiles')") == [(None,)]


VIEWS = """
create schema stats; create schema app_v2; create role stats_reader; create role stats_owner;
create table public.items (id int primary key, title varchar(20), n int);
create table app_v2.items (id bigint primary key, title text not null, extra text);
insert into public.items values (1, 'old', 7); insert into app_v2.items values (1, 'new', 'x');
grant usage, create on schema stats to stats_owner;
grant usage on schema stats to stats_reader; grant select on public.items to stats_owner;
grant select on app_v2.items to stats_owner; grant usage on schema public to stats_owner;
create view stats.titles with (security_barrier, check_option = local) as
  select id, title from public.items;
alter view stats.titles owner to stats_owner;
grant select on stats.titles to stats_reader; grant update (title) on stats.titles to stats_reader;
comment on view stats.titles is 'what there is'; comment on column stats.titles.title is 'its name';
alter view stats.titles alter title set default 'none';
create view stats.upper_titles as select id, upper(title) as title from stats.titles;
create function stats.no_write() returns trigger language plpgsql as
  $$ begin raise exception 'read-only'; end $$;
create trigger no_write instead of insert on stats.upper_titles
  for each row execute function stats.no_write();
create materialized view stats.counted as select count(*) as n from stats.upper_titles;
create unique index counted_n on stats.counted (n); grant select on stats.counted to stats_reader;
"""


def test_views_over_views_are_led_over_with_all_that_belongs_to_them(database: str) -> None:
    """The columns change their types, so the views cannot be replaced in place."""
    session = make_session(database, VIEWS, outside=())
    try:
        look = describe_views(database)
        titles = "select id, title from stats.upper_titles"
        for to, title in (("v2", "NEW"), ("v1", "OLD"), ("v2", "NEW")):
            switch_over(session, to)
            assert rows(database, titles) == [(1, title)]
            assert describe_views(database) == look
            assert rows(database, "select n from stats.counted") == [(1,)]
            with connect(database) as conn:
                conn.execute("set role stats_reader")
                assert conn.execute("select title from stats.titles").fetchone() is not None
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    conn.execute("update stats.titles set id = 2")
            with pytest.raises(psycopg.errors.RaiseException):
                run(database, "insert into stats.upper_titles values (5, 'x')")
    finally:
        run(database, "drop owned by stats_reader, stats_owner cascade")
        run(database, "drop role stats_reader, stats_owner")


def describe_views(dsn: str) -> list[Any]:
    return rows(
        dsn,
        "select c.relname, c.relowner::regrole::text, c.reloptions,"
        " (select array_agg(x::text order by x::text)"
        "   from unnest(coalesce(c.relacl, acldefault('r', c.relowner))) x),"
        " obj_description(c.oid), col_description(c.oid, 2),"
        " (select array_agg(a.attacl::text) from pg_attribute a where a.attrelid = c.oid),"
        " (select array_agg(pg_get_expr(d.adbin, d.adrelid)) from pg_attrdef d"
        "   where d.adrelid = c.oid),"
        " (select array_agg(indexrelid::regclass::text) from pg_index where indrelid = c.oid)"
        " from pg_class c where c.relnamespace = 'stats'::regnamespace"
        " and c.relkind in ('v', 'm') order by 1",
    )


OTHERS = """
create schema other; create schema app_v2;
create table public.items (id int primary key, title text); create sequence public.numbers;
create table app_v2.items (id int primary key, title text, x int); create sequence app_v2.numbers;
insert into public.items values (1, 'v1'); insert into app_v2.items values (1, 'v2', 0);
create table other.notes (item int constraint to_item references public.items on delete cascade,
                          n int default nextval('public.numbers'), primary key (item));
insert into other.notes values (1, 0);
create table other.secrets (item int); alter table other.secrets enable row level security;
create policy mine on other.secrets as restrictive for select to public
  using (exists (select from public.items i where i.id = item));
create table other.inbox (id int, title text);
create rule inbox_out as on insert to other.inbox do also
  insert into public.items values (new.id, new.title);
create function other.title_of(i int) returns text language sql
  begin atomic; select title from public.items where id = i; end;
create function other.text_of(i public.items) returns text language sql as 'select ($1).title';
comment on function other.text_of is 'of a row'; revoke all on function other.text_of from public;
"""


def test_keys_policies_rules_defaults_and_functions_are_led_over(database: str) -> None:
    session = make_session(database, OTHERS, outside=())
    refers = "select confrelid::regclass::text, convalidated, confdeltype::text from pg_constraint"
    refers += " where conname = 'to_item'"
    policy = "select permissive, cmd, qual from pg_policies where policyname = 'mine'"
    meant = rows(database, policy)
    try_text = "select other.title_of(1), other.text_of(i) from public.items i where id = 1"
    for number, (to, title) in enumerate((("v2", "v2"), ("v1", "v1"), ("v2", "v2")), 2):
        switch_over(session, to)
        run(database, "set search_path = ''")
        assert rows(database, refers) == [("items", True, "c")]
        assert rows(database, policy) == meant
        assert rows(database, try_text) == [(title, title)]
        run(database, f"insert into other.inbox values ({number}, 'by rule')")
        run(database, f"insert into other.notes values ({number})")
        assert rows(database, "select title from public.items where id = %s", (number,)) == [
            ("by rule",)
        ]
        last = rows(database, "select last_value from public.numbers")[0][0]
        assert rows(database, "select max(n) from other.notes where item = %s", (number,)) == [
            (last,)
        ]
        acl = "select proacl::text, obj_description(oid, 'pg_proc') from pg_proc"
        granted, comment = rows(database, acl + " where proname = 'text_of'")[0]
        assert comment == "of a row"
        assert "=X/" not in granted.split(",")[0].replace("postgres=X/", "")
        run(database, "delete from public.items where id > 1")  # cascades, and makes room again


BREAKS = {
    "view": (
        "create view other.v as select gone from public.items",
        "column gone of public.items",
        "create or replace view other.v as select null::int as gone",
    ),
    "key": (
        "create table other.t (r int constraint v references public.items (gone))",
        "column gone of public.items",
        "alter table other.t drop constraint v",
    ),
    "unique": (
        "create table other.t (r int constraint v references public.items (number))",
        "unique key",
        "alter table other.t drop constraint v",
    ),
    "policy": (
        "create table other.t (); create policy v on other.t using"
        " ((select count(*) from public.lost) > 0)",
        "table public.lost",
        "drop policy v on other.t",
    ),
    "default": (
        "create table other.t (v int default nextval('public.lost_seq'))",
        "sequence public.lost_seq",
        "alter table other.t alter v drop default",
    ),
    "owned": (
        "create table other.t (v int default nextval('public.items_number_seq'))",
        "sequence items_number_seq",
        "alter table other.t alter v drop default",
    ),
}
NARROW = """
create schema other; create schema app_v2; create sequence public.lost_seq;
create table public.items (id int primary key, gone int unique, number serial unique);
create table public.lost (a int); create table app_v2.items (id int primary key, number int);
"""


@pytest.mark.parametrize("case", BREAKS)
def test_what_v2_cannot_satisfy_is_an_error_and_a_file_can_deal_with_it(
    database: str, case: str
) -> None:
    made, lacking, remedy = BREAKS[case]
    session = make_session(database, f"{NARROW}; {made}", outside=())
    found = findings(session)["outside-breaks"]
    assert found.severity == "error"
    assert lacking in found.message
    with pytest.raises(RepotError) as failed:
        switch_over(session)
    assert failed.value.code == "outside-still-on-v1"
    assert rows(database, "select to_regclass('app_old.items')") == [(None,)]

    definitions = (
        "select (pg_identify_object(classid, objid, 0)).identity from pg_depend"
        " where refobjid in ('public.items'::regclass, 'public.lost'::regclass,"
        " 'public.lost_seq'::regclass, 'public.items_number_seq'::regclass) order by 1"
    )
    before = rows(database, definitions)
    session = make_session(database, outside=(), outside_sql=[("v", remedy)])
    found = findings(session)
    assert found["outside-by-file"].severity == "info"
    switch_over(session)
    switch_over(session, "v1")
    assert rows(database, definitions) == before


def test_a_view_made_after_the_cutover_stays_with_v2_and_is_named(database: str) -> None:
    session = make_session(
        database,
        "create schema other; create schema app_v2; create table public.t (a int);"
        "create table app_v2.t (a int, b int)",
        outside=(),
    )
    switch_over(session)
    run(database, "create view other.since as select b from public.t")
    done = switch_over(session, "v1")
    assert done.value.left == ["view other.since"]
    run(database, "insert into app_v2.t values (1, 2)")
    assert rows(database, "select b from other.since") == [(2,)]


def test_a_retired_key_does_not_keep_outside_rows_from_being_deleted(database: str) -> None:
    session = make_session(
        database,
        """create schema auth; create schema app_v2; create table auth.users (id int primary key);
        insert into auth.users values (1), (2);
        create table public.profiles (id int primary key references auth.users on delete cascade);
        create table public.marks (profile int references public.profiles);
        create table app_v2.profiles (id int primary key references auth.users on delete cascade);
        create table app_v2.marks (profile int references app_v2.profiles);
        insert into public.profiles values (1); insert into public.marks values (1);
        insert into app_v2.profiles values (1);
        create table public.logs (by int references auth.users);
        create table app_v2.logs (by int references auth.users);
        insert into public.logs values (1); insert into app_v2.logs values (1)""",
    )
    switch_over(session)
    run(database, "delete from public.logs; delete from auth.users where id = 1")
    assert rows(database, "select count(*) from public.profiles") == [(0,)]  # V2's own key cascades
    # V1's row goes as well: an erased person must not come back with a rollback.
    assert rows(database, "select count(*) from app_old.profiles") == [(0,)]
    run(database, "truncate app_old.logs, app_old.marks, app_old.profiles")
    keys = "select conrelid::regclass::text, convalidated from pg_constraint where contype = 'f'"
    keys += " and conrelid::regclass::text not like 'repot%'"
    for to in ("v1", "v2"):
        switch_over(session, to)
        run(database, "insert into public.logs values (2)")
        with pytest.raises(psycopg.errors.ForeignKeyViolation):
            run(database, "delete from auth.users where id = 2")
        serving = sorted(key for key in rows(database, keys) if "." not in key[0])
        assert serving == [("logs", True), ("marks", True), ("profiles", True)]
        run(database, "insert into auth.users values (3)")
        other = "app_v2" if to == "v1" else "app_old"
        for schema in ("public", other):
            run(database, f"insert into {schema}.profiles values (3)")
        run(database, f"insert into {other}.marks values (3); delete from auth.users where id = 3")
        assert rows(database, f"delete from {other}.marks returning 1") == [(1,)]
        # V2 follows V1 while that serves, and has no key of its own to auth.users.
        left = rows(database, f"delete from {other}.profiles where id = 3 returning 1")
        assert left == ([(1,)] if to == "v1" else [])
        run(database, "delete from public.logs")
