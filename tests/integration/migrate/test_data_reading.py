"""How the data are read: nothing is written, nobody waits, any name works."""

from __future__ import annotations

import threading
from pathlib import Path

import psycopg
import pytest

from repot.folder.book import open_book
from repot.folder.data import examine_data
from repot.folder.data.ask import Reader, Unknown, reading
from repot.folder.session import open_session
from repot.model.finding import Severity
from support.folders import examined, load, rows_of, write

_NULLS = "create table t (id int primary key, a text); insert into t values (1, null);"
_SET = "alter table t alter column a set not null;"


def test_nothing_is_written(database: str, tmp_path: Path) -> None:
    """A function of the user's that writes is refused: a sequence would not be rolled back."""
    load(
        database,
        _NULLS + "create sequence s; create function noisy(x text) returns text language plpgsql"
        " as $$ begin return nextval('s')::text; end $$;",
    )
    write(tmp_path / "m", [f"update t set a = noisy(a); {_SET}"])
    assert examined(database, tmp_path / "m") == ()
    assert rows_of(database, "select is_called from s") == [(False,)]


def test_functions_that_act_are_not_called(database: str, tmp_path: Path) -> None:
    """pg_terminate_backend in an UPDATE would not be rolled back."""
    load(database, _NULLS)
    with psycopg.connect(database, autocommit=True) as victim:
        pid = victim.info.backend_pid
        write(tmp_path / "m", [f"update t set a = pg_terminate_backend({pid})::text; {_SET}"])
        assert examined(database, tmp_path / "m") == ()
        victim.execute("select 1")


def test_no_lock_is_kept(database: str) -> None:
    load(database, _NULLS)
    with open_session(database) as conn, reading(conn) as reader:
        reader.rows(b"select count(*) from public.t")
        held = rows_of(
            database,
            "select 1 from pg_locks where relation = 't'::regclass and pid <> pg_backend_pid()",
        )
        assert held == []


def test_a_table_that_somebody_alters_is_named(database: str, tmp_path: Path) -> None:
    load(database, _NULLS + "create table u (id int, a text); insert into u values (1, null);")
    write(tmp_path / "m", [_SET, "alter table u alter column a set not null;"])
    with psycopg.connect(database) as other:
        other.execute("lock table t in access exclusive mode")
        (found,) = examined(database, tmp_path / "m")
    assert (found.code, found.severity) == ("data-not-examined", Severity.INFO)
    assert "lock" in found.message


def test_a_question_that_takes_too_long(database: str, tmp_path: Path) -> None:
    load(
        database,
        _NULLS + "create function slow(x text) returns text language plpgsql as"
        " $$ begin perform pg_sleep(30); return 'y'; end $$;",
    )
    write(tmp_path / "m", [f"update t set a = slow(a); {_SET}"])
    (found,) = examined(database, tmp_path / "m", timeout_ms=200)
    assert found.code == "data-not-examined"
    assert "timeout" in found.message


def test_a_role_that_may_not_read(database: str, tmp_path: Path) -> None:
    load(
        database,
        _NULLS + "do $$ begin create role reader_c login; exception when duplicate_object"
        " then null; end $$; grant usage on schema public to reader_c;",
    )
    write(tmp_path / "m", [_SET])
    dsn = psycopg.conninfo.make_conninfo(database, user="reader_c")
    (found,) = examined(dsn, tmp_path / "m")
    assert (found.code, found.severity) == ("data-not-examined", Severity.INFO)
    assert "permission" in found.message


def test_rows_that_a_policy_hides_are_not_overlooked(database: str, tmp_path: Path) -> None:
    load(
        database,
        _NULLS + "do $$ begin create role reader_c login; exception when duplicate_object"
        " then null; end $$; grant usage on schema public to reader_c;"
        "grant select on t to reader_c; alter table t enable row level security;",
    )
    write(tmp_path / "m", [_SET])
    dsn = psycopg.conninfo.make_conninfo(database, user="reader_c")
    book = open_book(tmp_path / "m")
    with open_session(dsn) as conn:
        (found,) = examine_data(conn, book, [p.name for p in book.pages])
    assert found.code == "data-not-examined"


def test_any_name(database: str, tmp_path: Path) -> None:
    long = "ü" * 31
    load(
        database,
        f"""create schema "Größe; drop";
        create table "Größe; drop"."select" ("from" int primary key, "{long}" text, "a""b%s" text);
        insert into "Größe; drop"."select" values (1, null, 'x'), (2, 'y', 'x')""",
    )
    name = '"Größe; drop"."select"'
    write(
        tmp_path / "m",
        [
            f"""alter table {name} alter column "{long}" set not null;
            update {name} set "a""b%s" = upper("a""b%s");
            create unique index "i%" on {name} ("a""b%s");
            alter table {name} drop column "{long}";
            alter table {name} alter column "a""b%s" type int using "a""b%s"::int;"""
        ],
    )
    found = examined(database, tmp_path / "m")
    assert [f.code for f in found] == [
        "not-null-holds-nulls",
        "slug-collides",
        "dropped-column-holds-values",
        "type-change-fails",
    ]
    assert found[0].object == f'"Größe; drop".select."{long}"'
    assert found[0].examples == ("from = 1",)


def test_both_kinds_of_session_say_the_same(database: str, tmp_path: Path) -> None:
    load(
        database,
        "create type mood as enum ('a', 'b');"
        "create table t (id int primary key, m mood default 'a'); insert into t values (1, null);",
    )
    write(
        tmp_path / "m", ["update t set m = 'b' where m is null;" + _SET.replace("a set", "m set")]
    )
    assert examined(database, tmp_path / "m") == ()
    book = open_book(tmp_path / "m")
    with open_session(database) as conn:
        assert examine_data(conn, book, [p.name for p in book.pages]) == ()


def test_update_from_a_large_table(database: str, tmp_path: Path) -> None:
    """Joined as PostgreSQL joins it, and not row by row: that would take hours."""
    load(
        database,
        "create table t (id int primary key, name text, slug text);"
        "insert into t select i, 'x' || i % 100 from generate_series(1, 100000) i;",
    )
    write(
        tmp_path / "m",
        [
            "update t p set slug = s.slug || '-' || s.n from (select id, lower(name) as slug,"
            " row_number() over (partition by name order by id) as n from t) s where s.id = p.id;"
            "alter table t alter column slug set not null; create unique index on t (slug);",
            "update t set slug = 'same' where id in (5, 6);",
            "create unique index u on t (slug, name);",
            "create unique index v on t (slug);",
        ],
    )
    found = examined(database, tmp_path / "m", timeout_ms=20_000)
    assert [(f.code, f.count) for f in found if f.code != "unique-over-null-rows"] == [
        ("slug-collides", 2)
    ]


def test_writers_meanwhile(database: str, tmp_path: Path) -> None:
    """Everything is asked of one snapshot."""
    load(database, "create table t (id int primary key, a text); insert into t values (1, 'x');")
    with open_session(database) as conn, reading(conn) as reader:
        first = reader.rows(b"select count(*) from public.t")
        writer = threading.Thread(target=load, args=(database, "insert into t values (2, null)"))
        writer.start()
        writer.join()
        assert reader.rows(b"select count(*) from public.t") == first


def test_a_failed_question_does_not_end_the_others(database: str) -> None:
    with open_session(database) as conn, reading(conn) as reader:
        assert isinstance(reader, Reader)
        with pytest.raises(Unknown):
            reader.rows(b"select nothing")
        assert reader.rows(b"select 1") == [(1,)]


def test_only_what_is_pending(database: str, tmp_path: Path) -> None:
    load(database, _NULLS)
    names = write(tmp_path / "m", [_SET, "drop table t;"])
    assert [f.code for f in examined(database, tmp_path / "m", names[1:])] == [
        "dropped-table-holds-rows"
    ]


def test_a_kept_table_over_several_cascades(database: str, tmp_path: Path) -> None:
    load(
        database,
        "create table a (id int primary key); create table b (id int primary key, a_id int"
        ' references a on delete cascade); create schema auth; create table auth."users" (id int,'
        " b_id int references b on delete cascade); create table n (id int, a_id int references a"
        " on delete set null); insert into a values (1), (2); insert into b values (1, 1), (2, 2);"
        ' insert into auth."users" values (1, 1), (2, 1), (3, 2); insert into n values (1, 1)',
    )
    write(tmp_path / "m", ["delete from a where id = 1;", "truncate a cascade;"])
    found = examined(database, tmp_path / "m", keep=("auth.users", "n"))
    # of the cascade's rows nothing is known after the DELETE; SET NULL leaves rows there
    assert [(f.code, f.count, f.object) for f in found] == [
        ("cascade-reaches-kept", 2, "auth.users"),
        ("cascade-reaches-kept", 1, "public.n"),
    ]
    assert "public.a → public.b → auth.users" in found[0].message


def test_secrets_are_not_shown(database: str, tmp_path: Path) -> None:
    load(
        database,
        'create table h (id int primary key, "webhookSecret" text, "apiKey" text, "tokenTtl" text);'
        "insert into h values (1, 'whsec-one', 'same-key', 'x9'), (2, null, 'same-key', '7')",
    )
    write(
        tmp_path / "m",
        [
            'create unique index on h ("apiKey"); alter table h drop column "webhookSecret";'
            'alter table h alter column "tokenTtl" type int using "tokenTtl"::int;'
        ],
    )
    found = examined(database, tmp_path / "m")
    assert [f.code for f in found] == [
        "unique-duplicates",
        "dropped-column-holds-values",
        "type-change-fails",
    ]
    told = " ".join(f.model_dump_json() for f in found)
    assert "***" in told
    for secret in ("whsec-one", "same-key", "x9"):
        assert secret not in told
