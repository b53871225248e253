"""On a server of one's own, that may be killed and set."""

from __future__ import annotations

import dataclasses
import random
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from psycopg import sql

from repot.embedded import EmbeddedServer
from repot.engine import wal
from repot.model.errors import Refused, RepotError
from repot.model.names import Name
from repot.model.project import CaptureSetting
from repot.postgres.connect import Connection, connection, one_snapshot
from repot.postgres.connect import connect as open_connection
from support.sql import connect, rows, run
from support.wal import ITEM, ITEMS, Make, World

pumping = sys.modules["repot.engine.wal.pump"]  # not the function of that name


def test_commits_that_are_not_flushed_are_logged(own: Make) -> None:
    world = own(ITEMS, ITEM)
    with connect(world.dsn) as conn:
        conn.execute("set synchronous_commit = off")
        for n in range(20):
            conn.execute("insert into item values (%s)", (n,))
            # What a snapshot of now sees is logged by a pump up to the position of now.
            assert rows(world.dsn, "select count(*) from item") == [(n + 1,)]
            world.pump(upto=wal.now_lsn(world.conn))
            assert len(world.logged()) == n + 1
        conn.execute("insert into item values (100)")
        assert wal.pump(world.conn, world.run, world.captured).rows == 0  # not flushed


def test_under_locks_everything_is_logged(own: Make) -> None:
    """Writers that do not wait for the flush, until the lock of the cutover is granted."""
    world = own(ITEMS, ITEM)
    stop = threading.Event()
    errors = list[str]()

    def write(seed: int) -> None:
        rng = random.Random(seed)
        with connect(world.dsn) as conn:
            conn.execute("set synchronous_commit = off; set lock_timeout = 0")
            while not stop.is_set():
                try:
                    conn.execute(
                        "insert into item values (%s, 1) on conflict (id) do update set id = %s",
                        (rng.randrange(1000), rng.randrange(1000)),
                    )
                except psycopg.errors.UniqueViolation:
                    pass
                except psycopg.Error as failed:
                    errors.append(str(failed))
                    return
                time.sleep(0.002)

    writers = [threading.Thread(target=write, args=(n,)) for n in range(3)]
    for writer in writers:
        writer.start()
    try:
        for _ in range(8):
            time.sleep(0.05)
            with connect(world.dsn) as conn, conn.transaction():
                conn.execute("lock table item in exclusive mode")
                world.pump()
                assert world.same()
    finally:
        stop.set()
        for writer in writers:
            writer.join()
    assert errors == []


def test_what_is_not_visible_yet_is_not_logged(own: Make, own_server: EmbeddedServer) -> None:
    """A commit that waits for a standby is in the WAL, and no snapshot sees it: an applier that
    took it off the log would derive the rows as they were."""
    world = own(ITEMS, ITEM)
    world.conn.execute("set synchronous_commit = local")
    world.conn.execute("set default_transaction_isolation = 'repeatable read'")
    own_server.psql(
        "alter system set synchronous_standby_names = 'nobody'; select pg_reload_conf()"
    )
    waiting = threading.Thread(target=run, args=(world.dsn, "insert into item values (1)"))
    try:
        time.sleep(0.2)
        waiting.start()
        asked = "select count(*) from pg_stat_activity where wait_event = 'SyncRep'"
        while rows(world.dsn, asked) == [(0,)]:
            time.sleep(0.02)
        assert rows(world.dsn, "select count(*) from item") == [(0,)]
        done = wal.pump(world.conn, world.run, world.captured)
        assert (done.rows, done.more) == (0, True)
        assert world.logged() == []
        thread = threading.Thread(target=world.pump)
        thread.start()
        time.sleep(0.3)
        assert thread.is_alive()
        assert world.logged() == []
    finally:
        own_server.psql("alter system reset synchronous_standby_names; select pg_reload_conf()")
        waiting.join(20)
    thread.join(20)
    assert world.logged() == [("I", "1")]


@contextmanager
def writing(dsn: str) -> Iterator[None]:
    """Three writers of single rows, two of which do not wait for the flush."""
    stop = threading.Event()

    def write(start: int) -> None:
        with connect(dsn) as conn:
            conn.execute("set synchronous_commit = off" if start else "select 1")
            for n in range(start, start + 100_000):
                if stop.wait(0.001):
                    return
                with conn.transaction():
                    conn.execute("insert into item values (%s)", (n,))
                    if n % 3:
                        conn.execute("savepoint s")
                        conn.execute("update item set shop = 1 where id = %s", (n,))

    writers = [threading.Thread(target=write, args=(n * 1_000_000,)) for n in range(3)]
    for writer in writers:
        writer.start()
    try:
        yield
    finally:
        stop.set()
        for writer in writers:
            writer.join()


@pytest.fixture
def watched(own: Make, monkeypatch: pytest.MonkeyPatch) -> World:
    """A world whose plan captures its table from the WAL."""
    world = own(ITEMS, ITEM)
    monkeypatch.setattr(pumping, "sources", lambda *_: world.captured)
    setting = CaptureSetting(wal=("item",))
    return dataclasses.replace(world, plan=world.plan.model_copy(update={"capture": setting}))


def ids(conn: Connection, table: str) -> list[str]:
    column = "id" if table == "public.item" else "c1"
    query = sql.SQL("select {}::text from {}").format(
        sql.Identifier(column), sql.Identifier(*table.split("."))
    )
    return [str(row[0]) for row in conn.execute(query).fetchall()]


def test_unread_is_what_a_snapshot_sees_and_no_log_tells(watched: World) -> None:
    world, log = watched, f"repot.{watched.captured[0].log.name}"
    found = 0
    with writing(world.dsn), connection(world.dsn) as conn:
        conn.execute('create temp table late (op "char", c1 int, at timestamptz)')
        for _ in range(25):
            world.pump(upto=None)
            with wal.still(conn, world.run, world.plan), one_snapshot(conn), conn.transaction():
                unread = wal.unread(conn, world.run, world.plan)
                assert unread is not None
                conn.execute("truncate pg_temp.late")
                part = unread.of(world.captured[0])
                if part is not None:
                    unread.copy_into(conn, world.captured[0], Name(schema_="pg_temp", name="late"))
                late = ids(conn, "pg_temp.late")
                assert (part.rows if part else 0) == len(late)
                seen, logged = set(ids(conn, "public.item")), set(ids(conn, log))
                assert seen == logged | set(late)
                assert not logged & set(late)
                found += len(late)
    assert found


def test_what_a_snapshot_sees_is_logged_in_its_own_transaction(watched: World) -> None:
    """Each change once, in whatever order the commits are in the WAL and come to be seen."""
    world, log = watched, f"repot.{watched.captured[0].log.name}"
    with writing(world.dsn), connection(world.dsn) as conn:
        for n in range(40):
            if n % 4 == 3:
                world.pump(upto=None)
            with wal.still(conn, world.run, world.plan), one_snapshot(conn), conn.transaction():
                wal.pump_seen(conn, world.run, world.plan)
                assert set(ids(conn, "public.item")) == set(ids(conn, log))
    world.pump()
    assert world.logged() == world.logged(by_triggers=True)
    assert len(world.logged()) > 30


def test_a_commit_that_is_seen_before_an_earlier_one_is_logged_once(
    watched: World, own_server: EmbeddedServer
) -> None:
    """One waits for its standby; one that came later does not."""
    world = watched
    world.conn.execute("set synchronous_commit = local")
    own_server.psql(
        "alter system set synchronous_standby_names = 'nobody'; select pg_reload_conf()"
    )
    waiting = threading.Thread(target=run, args=(world.dsn, "insert into item values (1)"))
    try:
        time.sleep(0.2)
        waiting.start()
        asked = "select count(*) from pg_stat_activity where wait_event = 'SyncRep'"
        while rows(world.dsn, asked) == [(0,)]:
            time.sleep(0.02)
        with connect(world.dsn) as conn:
            conn.execute("set synchronous_commit = local")
            conn.execute("insert into item values (2)")
        for _ in range(3):
            wal.pump(world.conn, world.run, world.captured)
            assert world.logged() == [("I", "2")]
    finally:
        own_server.psql("alter system reset synchronous_standby_names; select pg_reload_conf()")
        waiting.join(20)
    world.pump()
    assert world.logged() == [("I", "1"), ("I", "2")]


def test_a_server_that_is_killed_repeats_nothing_and_loses_nothing(
    own: Make, own_server: EmbeddedServer
) -> None:
    world = own(ITEMS, ITEM)
    world.conn.execute("set synchronous_commit = off")
    run(world.dsn, "begin; insert into item values (52); prepare transaction 'p'")
    for n in range(5):
        run(world.dsn, f"insert into item select {n} * 10 + n from generate_series(1, 10) n")
        world.pump()
    noted = world.standing()["noted"]
    world.conn.close()
    own_server.kill()
    own_server.start()
    world = dataclasses.replace(world, conn=open_connection(world.dsn))
    try:
        found = world.standing()
        assert found["noted"] == noted
        assert found["confirmed_flush_lsn"] < noted  # the slot fell back
        assert world.pump().rows == 0
    finally:
        run(world.dsn, "commit prepared 'p'")
    assert world.pump().rows == 1
    assert len(world.logged()) == 51
    world.same()
    world.conn.close()


def test_a_slot_that_the_server_gave_up_is_lost(own: Make, own_server: EmbeddedServer) -> None:
    world = own(ITEMS, ITEM)
    own_server.psql("alter system set max_slot_wal_keep_size = '1MB'; select pg_reload_conf()")
    try:
        for _ in range(4):
            run(
                world.dsn,
                "insert into item values ((select count(*) from item)); select pg_switch_wal()",
            )
            run(world.dsn, "checkpoint")
        assert world.standing()["wal_status"] == "lost"
        with pytest.raises(RepotError) as lost:
            world.pump()
        assert lost.value.code == "wal-slot-lost"
        assert "given up" in lost.value.evidence
    finally:
        own_server.psql("alter system reset max_slot_wal_keep_size; select pg_reload_conf()")


def test_why_it_is_not_available(own: Make, own_server: EmbeddedServer) -> None:
    world = own(ITEMS, ITEM, with_slot=False)
    assert wal.available(world.conn) is None
    with connection(world.dsn) as conn:
        conn.execute("create role plain")
        try:
            conn.execute("set role plain")
            assert "may not use replication slots" in (wal.available(conn) or "")
            assert "CREATE ON DATABASE" in (wal.available(conn) or "")
            conn.execute("reset role; alter role plain replication")
            conn.execute("set role plain")
            assert "replication slots" not in (wal.available(conn) or "")
            assert "belongs to another role" in wal.refusals(conn, world.captured)[0]
            conn.execute("reset role")
            for n in range(4):
                conn.execute(f"select pg_create_physical_replication_slot('s{n}')")
            assert "max_replication_slots" in (wal.available(conn) or "")
        finally:
            conn.execute("reset role; drop role plain")
            conn.execute("select pg_drop_replication_slot(slot_name) from pg_replication_slots")
        if conn.execute(
            "select from pg_settings where name = 'output_plugin_libraries'"
        ).fetchone():
            own_server.psql("alter system set output_plugin_libraries = 'test_decoding'")
            own_server.psql("select pg_reload_conf()")
            try:
                time.sleep(0.2)
                assert "output_plugin_libraries" in (wal.available(conn) or "")
                with pytest.raises(Refused):
                    world.create()
            finally:
                own_server.psql("alter system reset output_plugin_libraries")
                own_server.psql("select pg_reload_conf()")


def test_without_logical_decoding_it_is_not_available() -> None:
    with (
        EmbeddedServer(settings={"wal_level": "replica"}) as server,
        connection(server.dsn()) as conn,
    ):
        assert "wal_level is replica" in (wal.available(conn) or "")
