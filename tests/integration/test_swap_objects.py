"""What moves with the swap, what stays, and under which names everything is afterwards."""

from __future__ import annotations

import psycopg
import pytest

from repot.engine.swap import preflight
from repot.engine.swap.survey import survey
from repot.engine.swap.things import forward
from repot.postgres.connect import connection
from support.sql import connect, rows, run
from support.swapping import make_session, switch_over


def where(dsn: str, *schemas: str) -> dict[str, set[str]]:
    """Schema → its relations, routines and types (of their own), indexes left out."""
    found: dict[str, set[str]] = {s: set() for s in schemas}
    for schema, name in rows(
        dsn,
        "select n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace"
        " where c.relkind in ('r', 'p', 'v', 'm', 'S', 'f') and n.nspname = any (%(s)s)"
        " union all select n.nspname, p.proname || '()' from pg_proc p join pg_namespace n"
        " on n.oid = p.pronamespace where n.nspname = any (%(s)s)"
        " union all select n.nspname, 'type ' || t.typname from pg_type t join pg_namespace n"
        " on n.oid = t.typnamespace where n.nspname = any (%(s)s) and t.typtype in ('e', 'd', 'r')",
        {"s": list(schemas)},
    ):
        found[schema].add(name)
    return found


WORLD = """
create schema app_v2;
create type public.state as enum ('A', 'B'); create type public.size as enum ('S');
create table public.t (id serial primary key, s public.state, z public.size);
create table public.left_behind (a int);
create view public.v as select id from public.t;
create materialized view public.m as select count(*) from public.t;
create sequence public.numbers; create sequence public.shared;
create function public.helper() returns int language sql as 'select 1';
create function public.both(x int) returns text language sql as $$ select 'v1' $$;
create function public.both(x text) returns text language sql as $$ select 'only v1' $$;
create function public.row_of(t public.t) returns int language sql as 'select ($1).id';
create type app_v2.state as enum ('A', 'C');
create table app_v2.t (id int primary key generated always as identity, s app_v2.state,
                       z public.size, n bigint default nextval('public.shared'));
create table app_v2.parts (k int, primary key (k)) partition by range (k);
create table app_v2.part_1 partition of app_v2.parts for values from (0) to (10);
create function app_v2.both(x int) returns text language sql as $$ select 'v2' $$;
create statistics app_v2.st on id, s from app_v2.t;
"""


def test_tables_swap_moves_v1_whole_and_leaves_what_is_shared(database: str) -> None:
    session = make_session(database, WORLD, outside=())
    before = where(database, "public", "app_v2", "app_old")
    switch_over(session)
    now = where(database, "public", "app_v2", "app_old")
    assert now["app_v2"] == set()
    assert now["public"] == {
        *("t", "t_id_seq", "parts", "part_1", "both()"),  # V2
        *("shared", "helper()", "type size", "type state"),  # stayed, or came
    } | {"both()"}
    assert now["app_old"] == {
        *("t", "t_id_seq", "left_behind", "v", "m", "numbers"),
        *("both()", "row_of()", "type state"),
    }
    assert rows(database, "select public.both(1), public.both('x'::text)") == [("v2", "only v1")]
    assert rows(database, "select public.helper()") == [(1,)]
    run(database, "insert into public.t (s, z) values ('C', 'S')")
    run(database, "insert into public.parts values (3)")
    switch_over(session, "v1")
    assert where(database, "public", "app_v2", "app_old") == before
    assert rows(database, "select public.both(1)") == [("v1",)]
    switch_over(session)
    assert where(database, "public", "app_v2", "app_old") == now


def test_schema_swap_takes_everything_and_carries_the_schema_over(database: str) -> None:
    session = make_session(
        database,
        """create role carried_reader; create role carried_owner;
        create schema app; alter schema app owner to carried_owner; create schema app_v2;
        comment on schema app is 'the shop'; grant usage on schema app to carried_reader;
        alter default privileges in schema app grant select on tables to carried_reader;
        create extension pg_trgm schema app;
        create table app.t (a text); create function app.helper() returns int
          language sql as 'select 1';
        create table app_v2.t (a text, b int);
        create index on app_v2.t using gin (a app.gin_trgm_ops);
        grant select on app_v2.t to carried_reader""",
        v1="app",
        swap="schema",
        outside=(),
    )
    try:
        for _ in range(2):
            switch_over(session)
            assert where(database, "app_old")["app_old"] == {"t", "helper()"}
            assert "similarity()" in where(database, "app")["app"]
            with connect(database) as conn:
                conn.execute("set role carried_reader")
                assert conn.execute("select count(b) from app.t").fetchall() == [(0,)]
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    conn.execute("create table app.x ()")
            facts = (
                "select obj_description(oid), nspowner::regrole::text from pg_namespace"
                " where nspname = 'app'"
            )
            assert rows(database, facts) == [("the shop", "carried_owner")]
            run(database, "create table app.later (a int)")
            readable = "select has_table_privilege('carried_reader', 'app.later', 'select')"
            assert rows(database, readable) == [(True,)]
            run(database, "drop table app.later")
            switch_over(session, "v1")
            assert rows(database, "select app.helper()") == [(1,)]
            assert rows(database, facts) == [("the shop", "carried_owner")]
            assert "similarity()" in where(database, "app")["app"]
    finally:
        run(database, "drop owned by carried_reader, carried_owner cascade")
        run(database, "drop role carried_reader, carried_owner")


LONG = "ß" * 31 + "x"  # 63 bytes
NASTY = f"""
create schema "Aus ßen"; create schema "Neu ""2"" x"; create schema "sel ect";
create table "sel ect"."{LONG}" ("Order" int generated by default as identity primary key,
  "é%s" text);
create table "sel ect"."From" (id int primary key references "sel ect"."{LONG}", "a""b" text);
create view "sel ect"."Vi ew" as select "Order", "é%s" from "sel ect"."{LONG}";
create function "sel ect"."fn;--"() returns trigger language plpgsql as
  $$ begin insert into "sel ect"."{LONG}" ("é%s") values ('v1'); return new; end $$;
create table "Aus ßen"."Us""ers" (id int primary key);
create trigger "tr %" after insert on "Aus ßen"."Us""ers" for each row
  execute function "sel ect"."fn;--"();
create view "Aus ßen"."Über" with (security_barrier) as select "é%s" from "sel ect"."{LONG}";
create table "Neu ""2"" x"."{LONG}" ("Order" int generated by default as identity primary key,
  "é%s" text, "neu" int);
create table "Neu ""2"" x"."From" (id int primary key references "Neu ""2"" x"."{LONG}");
create view "Neu ""2"" x"."Vi ew" as select "Order", "é%s" from "Neu ""2"" x"."{LONG}";
create function "Neu ""2"" x"."fn;--"() returns trigger language plpgsql as
  $$ begin insert into "sel ect"."{LONG}" ("é%s", neu) values ('v2', 1); return new; end $$;
"""


@pytest.mark.parametrize("kind", ["tables", "schema"])
def test_any_names(database: str, kind: str) -> None:
    session = make_session(
        database, NASTY, v1="sel ect", v2='Neu "2" x', old="Ol'd", outside=("Aus ßen",), swap=kind
    )
    titles = f'select "é%s" from "sel ect"."{LONG}"'
    for to, titled in (("v2", "v2"), ("v1", "v1"), ("v2", "v2")):
        switch_over(session, to)
        with connect(database) as conn:
            assert conn.execute('select count(*) from "sel ect"."Vi ew"').fetchone() is not None
            conn.execute(f'delete from "sel ect"."{LONG}"'.encode())
            conn.execute('delete from "Aus ßen"."Us""ers"')
            conn.execute('insert into "Aus ßen"."Us""ers" values (1)')
            assert conn.execute(titles.encode()).fetchall() == [(titled,)]
            assert conn.execute('select * from "Aus ßen"."Über"').fetchall() == [(titled,)]


def test_grants_work_for_the_application_role_after_the_swap(database: str) -> None:
    session = make_session(
        database,
        """create role app_anon; create schema app_v2; grant usage on schema public to app_anon;
        create table public.t (id serial primary key, a text);
        grant select, insert on public.t to app_anon;
        grant usage on sequence public.t_id_seq to app_anon;
        alter table public.t enable row level security;
        create policy all_of_it on public.t to app_anon using (true) with check (a <> 'no');
        create table app_v2.t (id serial primary key, a text, b int);
        grant select (id, a), insert (a) on app_v2.t to app_anon;
        grant usage on sequence app_v2.t_id_seq to app_anon;
        alter table app_v2.t enable row level security;
        create policy less on app_v2.t to app_anon using (a <> 'hidden') with check (true);""",
        outside=(),
    )
    try:
        switch_over(session)
        with connect(database) as conn:
            conn.execute("set role app_anon")
            conn.execute("insert into public.t (a) values ('x'), ('hidden')")
            assert conn.execute("select a from public.t").fetchall() == [("x",)]
            for forbidden in ("select b from public.t", "select * from app_old.t"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    conn.execute(forbidden.encode())
        switch_over(session, "v1")
        with connect(database) as conn:
            conn.execute("set role app_anon")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                conn.execute("insert into public.t (a) values ('no')")
            conn.execute("insert into public.t (a) values ('hidden')")
            assert conn.execute("select a from public.t").fetchall() == [("hidden",)]
    finally:
        run(database, "drop owned by app_anon cascade; drop role app_anon")


def test_what_was_made_since_goes_along_with_its_side(database: str) -> None:
    """A table created after the cutover belongs to V2's application."""
    session = make_session(database, WORLD, outside=())
    switch_over(session)
    run(database, "create table public.newcomer (id int references public.t)")
    switch_over(session, "v1")
    assert "newcomer" in where(database, "app_v2")["app_v2"]
    switch_over(session)
    assert "newcomer" in where(database, "public")["public"]


def test_names_that_are_taken_are_told_beforehand(database: str) -> None:
    session = make_session(
        database,
        """create schema app_v2; create schema app_old;
        create table public.t (a int); create table app_v2.t (a int);
        create table app_old.t (a int)""",
        outside=(),
    )
    with connection(database) as conn:
        found = {f.code: f for f in preflight(conn, session.plan, "tables")}
        assert found["name-taken"].object == "public.t"
        found = {f.code: f for f in preflight(conn, session.plan, "schema")}
        assert "retired-exists" in found


def test_survey_knows_partitions_and_composite_types(database: str) -> None:
    session = make_session(
        database,
        """create schema app_v2; create schema parts;
        create type public.pair as (a int, b int);
        create table public.p (k int) partition by list (k);
        create table parts.p1 partition of public.p for values in (1);
        create table public.p2 partition of public.p for values in (2);
        create table app_v2.p (k int)""",
        outside=(),
    )
    with connection(database) as conn:
        swap = survey(conn, forward(session.plan), "tables")
        codes = {f.code for f in preflight(conn, session.plan, "tables")}
    assert {t.name for t in swap.outgoing} == {"p", "p2"}
    assert {t.name for t in swap.staying} == {"pair"}
    assert "partition-elsewhere" in codes
    switch_over(session)
    run(database, "insert into app_old.p values (1), (2)")
    assert rows(database, "select count(*) from parts.p1") == [(1,)]
