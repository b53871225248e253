"""The pump: nothing lost, nothing repeated, nothing cut."""

from __future__ import annotations

import sys
import threading
import time
import tracemalloc

import psycopg
import pytest

from repot.engine import wal
from repot.model.errors import RepotError
from repot.model.names import name
from repot.postgres.connect import connection
from support.sql import connect, run
from support.wal import ITEM, ITEMS, Make

pumping = sys.modules["repot.engine.wal.pump"]  # not the function of that name


def test_big_transactions_are_never_cut(make: Make) -> None:
    world = make(ITEMS, ITEM)
    run(world.dsn, "insert into item select n from generate_series(1, 30000) n")
    run(world.dsn, "insert into item values (0)")
    run(world.dsn, "insert into item values (-1)")
    first = wal.pump(world.conn, world.run, world.captured, limit=100)
    assert (first.rows, first.more) == (30_000, True)
    second = wal.pump(world.conn, world.run, world.captured, limit=1)
    assert (second.rows, second.more) == (1, True)
    assert world.pump(limit=1).rows == 1
    assert len(world.logged()) == 30_002
    world.same()


def test_memory_does_not_grow_with_a_transaction(make: Make) -> None:
    world = make(
        "create table public.item (id int primary key, title text)",
        {name("public", "item"): ("title",)},
    )
    run(world.dsn, "insert into item select n, repeat('x', 3000) from generate_series(1, 8000) n")
    upto = wal.now_lsn(world.conn)
    tracemalloc.start()
    try:
        assert world.pump(upto=upto).rows == 8_000
        assert tracemalloc.get_traced_memory()[1] < 20_000_000  # of 24 MB, twice
    finally:
        tracemalloc.stop()


def test_others_messages_do_not_keep_the_pump(make: Make) -> None:
    world = make(ITEMS, ITEM)
    run(world.dsn, "select pg_logical_emit_message(false, 'x', 'y') from generate_series(1, 50)")
    run(world.dsn, "insert into item values (1)")
    assert world.pump(limit=10).rows == 1
    assert world.pump(limit=10).rows == 0


def test_a_crash_between_the_log_and_the_advance_repeats_nothing(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make(ITEMS, ITEM)
    run(world.dsn, "insert into item values (1)")

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(pumping, "_advance", crash)
        with pytest.raises(KeyboardInterrupt):
            world.pump()
    assert world.logged() == [("I", "1")]
    there = world.standing()
    assert there["confirmed_flush_lsn"] != there["noted"]
    assert world.pump().rows == 0
    there = world.standing()
    assert there["confirmed_flush_lsn"] == there["noted"]
    assert world.logged() == [("I", "1")]


def test_a_crash_before_the_commit_loses_nothing(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make(ITEMS, ITEM)
    run(world.dsn, "insert into item values (1)")

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(pumping, "_note", crash)
        with pytest.raises(KeyboardInterrupt):
            world.pump()
    assert world.logged() == []
    assert world.pump().rows == 1


def test_two_pumps_at_once_queue(make: Make) -> None:
    world = make(ITEMS, ITEM)
    errors = list[BaseException]()
    stop = threading.Event()

    def work() -> None:
        try:
            with connection(world.dsn) as conn:
                while not stop.is_set():
                    wal.pump(conn, world.run, world.captured, limit=5)
        except (RepotError, psycopg.Error) as failed:
            errors.append(failed)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        with connect(world.dsn) as conn:
            for n in range(60):
                conn.execute("insert into item values (%s)", (n,))
    finally:
        time.sleep(0.1)
        stop.set()
        for thread in threads:
            thread.join()
    assert errors == []
    world.pump()
    assert world.logged() == world.logged(by_triggers=True)  # each once


def test_behind_tells_what_was_not_read(make: Make) -> None:
    world = make(ITEMS, ITEM)
    run(world.dsn, "insert into item select n from generate_series(1, 20000) n")
    assert wal.behind(world.conn, world.run) > 1_000_000
    world.pump()
    assert wal.behind(world.conn, world.run) < 1_000_000


def test_wal_of_others_does_not_hold_the_slot_back(make: Make) -> None:
    world = make(ITEMS + "; create table public.other (t text)", ITEM)
    for _ in range(2):
        run(world.dsn, "insert into other select repeat('x', 500) from generate_series(1, 4000)")
        world.pump()
        assert wal.behind(world.conn, world.run) < 500_000
    noted = world.standing()["noted"]
    world.pump()
    assert world.standing()["noted"] == noted  # a note for its own sake would never end
