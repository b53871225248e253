"""Capture from the WAL logs what triggers on the same tables log."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from typing import Any

import psycopg
import pytest
from psycopg import sql

from repot.engine import wal
from repot.model.names import name
from repot.postgres.connect import connection
from support.sql import connect, rows, run
from support.wal import ITEM, ITEM_AND_SHOP, ITEMS, TEXTS, Make, long_text


def test_changes_are_logged_as_triggers_log_them(make: Make) -> None:
    world = make(ITEMS, ITEM_AND_SHOP)
    run(world.dsn, "insert into item select n, n / 3, 'x' from generate_series(1, 9) n")
    run(world.dsn, "update item set title = 'y' where id = 1")
    run(world.dsn, "update item set shop = null where id = 2")
    run(world.dsn, "update item set id = 20, shop = 7 where id = 3")
    run(world.dsn, "delete from item where id > 20 or id = 9")
    run(world.dsn, "insert into item values (1, 5) on conflict (id) do update set shop = 5")
    assert world.logged() == []
    done = world.pump()
    assert (done.rows, done.more) == (len(world.logged()), False)
    found = world.same()
    assert {("I", "0", "1"), ("U", "0", "1"), ("U", None, "2"), ("D", "3", "9")} <= found
    run(world.dsn, "truncate item")
    world.pump()
    assert ("T", None, None) in world.same()
    assert world.pump().rows == 0


def test_what_was_rolled_back_is_not_logged(make: Make) -> None:
    world = make(ITEMS, ITEM)
    with connect(world.dsn) as conn, conn.transaction(force_rollback=True):
        conn.execute("insert into item values (1)")
    with connect(world.dsn) as conn, conn.transaction():
        conn.execute("insert into item values (2)")
        with conn.transaction(force_rollback=True):
            conn.execute("insert into item values (3)")
        with conn.transaction():
            conn.execute("insert into item values (4)")
    world.pump()
    assert world.logged() == [("I", "2"), ("I", "4")]


def test_the_time_is_that_of_the_commit(make: Make) -> None:
    world = make(ITEMS, ITEM)
    run(world.dsn, "insert into item values (1)")
    time.sleep(0.2)
    world.pump()
    one, other = (
        rows(world.dsn, f"select at from repot.{c.log.name}")[0][0]
        for c in (*world.triggers, *world.captured)
    )
    assert 0 <= (other - one).total_seconds() < 0.15


def test_the_time_of_what_is_replicated_is_not_that_of_its_commit_elsewhere(make: Make) -> None:
    world = make(ITEMS, ITEM)
    with connect(world.dsn) as conn:
        conn.execute("select pg_replication_origin_create('elsewhere')")
        try:
            conn.execute("select pg_replication_origin_session_setup('elsewhere')")
            with conn.transaction():
                conn.execute("select pg_replication_origin_xact_setup('1/2', '2020-01-01')")
                conn.execute("insert into item values (1)")
        finally:
            conn.execute("select pg_replication_origin_session_reset()")
            conn.execute("select pg_replication_origin_drop('elsewhere')")
    world.pump()
    recent = "at > now() - interval '1 minute' and at <= clock_timestamp()"
    assert rows(world.dsn, f"select {recent} from repot.{world.captured[0].log.name}") == [(True,)]


def test_names_and_texts_of_all_kinds(make: Make) -> None:
    table, key = 'Réf "x".y', 'Clé\tde "tête"'
    long = "ü" * 31  # 62 bytes
    script = sql.SQL(
        'create schema {s}; create table {s}.{t} ({k} text collate "C" primary key, {l} text)'
    ).format(
        s=sql.Identifier("Über"),
        t=sql.Identifier(table),
        k=sql.Identifier(key),
        l=sql.Identifier(long),
    )
    world = make(script.as_string(), {name("Über", table): (long, key)})
    texts = ["", "\\N", "\\.", "a\tb", "a\nb\r\\n", "'\"é漢😀", "\x01\x7f", "NULL", "\\", "{}"]
    with connect(world.dsn) as conn:
        for n, text in enumerate(texts):
            insert = sql.SQL("insert into {} values (%s, %s)").format(sql.Identifier("Über", table))
            conn.execute(insert, (text, None if n % 2 else texts[-n]))
        update = sql.SQL("update {} set {} = %s").format(
            sql.Identifier("Über", table), sql.Identifier(long)
        )
        conn.execute(update, ("\\\t\n",))
    world.pump()
    assert {values[2] for values in world.same()} == set(texts)


def test_values_of_many_types_survive(make: Make) -> None:
    world = make(
        """
        create type public.mood as enum ('so so', 'ök');
        create type public.pair as (a text, b numeric);
        create domain public.plz as text check (value ~ '^[0-9]+$');
        create table public.item (
          id uuid primary key, n numeric(30, 10), f float8, g float4, b bytea, jb jsonb,
          ts timestamptz, i interval, a text[], m public.mood[], p public.pair, d public.plz,
          r int4range, c char(5), bit varbit, o oid, class regclass, money money, inet inet)
        """,
        {
            name("public", "item"): (
                "id",
                "n",
                "f",
                "g",
                "b",
                "jb",
                "ts",
                "i",
                "a",
                "m",
                "p",
                "d",
                "r",
                "c",
                "bit",
                "o",
                "class",
                "money",
                "inet",
            )
        },
    )
    run(
        world.dsn,
        """
        set timezone = 'Asia/Tokyo'; set datestyle = 'German'; set intervalstyle = 'iso_8601';
        insert into item values (gen_random_uuid(), 'NaN', 0.1 + 0.2, 1e-40, '\\xdeadbeef00',
          '{"a": 1}', '2024-02-29 12:00:00.123456+05', '-1 mon 3 days -04:05',
          array['a,b', null, '"', '\\'], '{"so so",ök}', row('(,)', 1.50), '01234', '[1,5)', 'ab',
          b'1010', 4294967295, 'pg_class', 12.34, '::1/64'),
          (gen_random_uuid(), null, '-Infinity', 'NaN', '', 'null', 'infinity', '0', '{}',
          '{}', row(null, null), null, 'empty', '', b'', 0, 'public.item', -0.01, '10.0.0.0/8');
        update item set n = 1.0000000001 where n is null;
        """,
    )
    world.pump()
    assert len(world.same()) == 4


def test_a_value_kept_out_of_line_that_does_not_change(make: Make) -> None:
    world = make(TEXTS, {name("public", "item"): ("big", "small")})
    with connect(world.dsn) as conn:
        conn.execute("insert into item values (1, %s, 'a')", (long_text(1),))
        conn.execute("update item set small = 'b'")
        conn.execute("update item set big = %s", (long_text(2),))
        conn.execute("update item set id = 2")
        conn.execute("update item set big = null")
    world.pump()
    assert "T" not in {op for op, *_ in world.same()}


def test_own_transactions_are_not_logged(make: Make) -> None:
    world = make(ITEMS, ITEM)
    run(world.dsn, "insert into item values (1), (2), (3)")
    with connection(world.dsn) as conn, conn.transaction():
        wal.mark_own(conn, world.run)
        conn.execute("insert into repot.own_transaction values (pg_catalog.pg_current_xact_id())")
        conn.execute("insert into public.item values (4)")
        conn.execute("update public.item set id = 10 where id = 1")
        with conn.transaction():
            conn.execute("delete from public.item where id = 2")
        conn.execute("truncate public.item")
    run(world.dsn, "insert into item values (5)")
    world.pump()
    by_triggers = world.logged(by_triggers=True)
    assert {op for op, *_ in by_triggers} == set("Iiudt")
    assert world.logged() == [row for row in by_triggers if row[0] == "I"]
    assert ("I", "5") in world.logged()


def test_nobody_else_can_pass_as_repot(make: Make) -> None:
    world = make(ITEMS, ITEM)
    run(world.dsn, "create role pretender; grant insert on item to pretender")
    try:
        with connect(world.dsn) as conn, conn.transaction():
            conn.execute("set local role pretender")
            for prefix, content in (("repot", "own"), ("repot", ""), ("other", "x")):
                conn.execute(
                    "select pg_logical_emit_message(true, %s, %s::text)", (prefix, content)
                )
            conn.execute("insert into item values (1)")
            with pytest.raises(psycopg.errors.InsufficientPrivilege), conn.transaction():
                conn.execute("select token from repot.wal")
        world.pump()
        assert world.logged() == [("I", "1")]
    finally:
        run(world.dsn, "drop owned by pretender; drop role pretender")


def test_tables_are_known_whatever_they_are_called(make: Make) -> None:
    world = make(ITEMS + "; create schema retired", ITEM)
    run(world.dsn, "insert into item values (1)")
    run(world.dsn, "alter table item set schema retired; create table item (id int primary key)")
    run(world.dsn, "insert into item values (2); insert into retired.item values (3)")
    run(world.dsn, "alter table retired.item rename to old; insert into retired.old values (4)")
    world.pump()
    assert world.logged() == [("I", "1"), ("I", "3"), ("I", "4")]
    world.same()


@pytest.mark.parametrize("seed", range(2))
def test_random_writes_are_logged_as_by_triggers(make: Make, seed: int) -> None:
    rng = random.Random(seed)
    tables = {
        name("public", "item"): ("id",),
        name("public", "wide"): ("kind", "body"),
        name("public", "keyless"): ("a", "b"),
    }
    world = make(
        ITEMS
        + """;
        create table public.wide (id int primary key, kind text, body text, other int);
        create table public.keyless (a text, b int);
        """,
        tables,
    )
    bodies = [None, "", "short", "ta\tb", long_text(1), long_text(2)]
    with connect(world.dsn) as conn, connect(world.dsn) as second:
        for _ in range(60):
            writer = rng.choice((conn, second))
            with writer.transaction(force_rollback=rng.random() < 0.2):
                for _ in range(rng.randrange(1, 5)):
                    try:
                        with writer.transaction(force_rollback=rng.random() < 0.2):
                            write_something(writer, rng, bodies)
                    except psycopg.errors.UniqueViolation:
                        pass
            if rng.random() < 0.2:
                world.pump(upto=None, limit=rng.choice((1, 7, 1000)))
    world.pump(limit=rng.choice((1, 50)))
    assert len(world.same()) > 20


def write_something(
    conn: psycopg.Connection[Any], rng: random.Random, bodies: Sequence[str | None]
) -> None:
    one, other, body = rng.randrange(12), rng.randrange(12), rng.choice(bodies)
    statements: list[tuple[str, tuple[Any, ...]]] = [
        ("insert into item values (%s, %s)", (one, other)),
        ("update item set id = %s where id = %s", (other, one)),
        ("update item set shop = %s where id < %s", (other, one)),
        ("delete from item where id = %s", (one,)),
        ("insert into wide values (%s, %s, %s)", (one, "k" * other, body)),
        ("update wide set other = %s where id > %s", (one, other)),
        ("update wide set body = %s where id = %s", (body, one)),
        ("update wide set id = %s where id = %s", (one, other)),
        ("update wide set kind = null where id < %s", (one,)),
        (
            "insert into wide values (%s, 'x', %s) on conflict (id) do update set kind = 'y'",
            (one, body),
        ),
        ("delete from wide where id = %s", (one,)),
        ("insert into keyless select %s, n from generate_series(1, %s) n", (body, other)),
        ("update keyless set b = b + 1 where b < %s", (one,)),
        ("delete from keyless where b = %s", (one,)),
        ("truncate item, keyless", ()),
        ("truncate wide", ()),
    ]
    weights = [3] * (len(statements) - 2) + [1, 1]
    statement, values = rng.choices(statements, weights)[0]
    conn.execute(statement, values)  # type: ignore[arg-type]
