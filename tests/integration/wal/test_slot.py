"""The slot: made, lost, left alone, refused; and which tables it is for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from repot.engine import wal
from repot.engine.wal import slot
from repot.model.errors import Refused, RepotError, UsageError
from repot.model.names import name
from repot.model.project import CaptureSetting
from repot.moves.compile import compile_project
from repot.postgres.connect import connection
from repot.project import load_project
from support.moving import TOML, write_project
from support.sql import connect, rows, run
from support.swapping import make_plan
from support.wal import ITEM, ITEM_AND_SHOP, ITEMS, Make


@pytest.mark.parametrize(
    ("harm", "why"),
    [
        ("select pg_drop_replication_slot(slot) from repot.wal", "is not there any more"),
        (
            "select pg_drop_replication_slot(slot) from repot.wal;"
            "select pg_create_logical_replication_slot(slot, 'pgoutput') from repot.wal",
            "past what was read",
        ),
        (
            "select pg_replication_slot_advance(slot, pg_current_wal_flush_lsn()) from repot.wal",
            "past what was read",
        ),
        ("drop publication repot_1", "publication repot_1 is not there"),
        ("alter publication repot_1 drop table item", "lacks public.item"),
        ("create table below () inherits (item)", "lacks public.below"),
    ],
)
def test_a_slot_that_was_tampered_with_is_lost(make: Make, harm: str, why: str) -> None:
    world = make(ITEMS, ITEM)
    run(world.dsn, "insert into item values (1)")
    for statement in harm.split(";"):
        run(world.dsn, statement)
    run(world.dsn, "insert into item values (2)")
    for attempt in (world.pump, world.create):
        with pytest.raises(RepotError) as lost:
            attempt()
        assert lost.value.code == "wal-slot-lost"
        assert why in lost.value.evidence
    assert world.logged() == []
    for _ in range(2):
        wal.drop(world.conn, world.run)
    assert (
        rows(world.dsn, "select from pg_replication_slots where database = current_database()")
        == []
    )
    with pytest.raises(RepotError) as lost:
        world.pump()
    assert lost.value.code == "wal-slot-lost"
    world.create()  # anew: whoever calls it copies anew
    run(world.dsn, "insert into item values (3)")
    world.pump()
    assert world.logged() == [("I", "3")]


def test_a_copy_of_the_database_leaves_the_slot_alone(
    make: Make, make_database: Callable[..., str]
) -> None:
    world = make(ITEMS, ITEM)
    world.conn.close()
    twin = make_database(psycopg.conninfo.conninfo_to_dict(world.dsn)["dbname"])
    with connection(twin) as conn:
        with pytest.raises(RepotError) as lost:
            wal.pump(conn, world.run, world.captured)
        assert lost.value.code == "wal-slot-lost"
        assert "another's" in lost.value.evidence
        wal.drop(conn, world.run)
    assert world.standing()["slot_name"]


def test_made_again_after_a_crash_in_between(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    world = make(ITEMS, ITEM_AND_SHOP, with_slot=False)

    def crash(*_: object) -> str:
        real(*_)
        raise KeyboardInterrupt

    real = slot._make_slot
    with monkeypatch.context() as patch:
        patch.setattr(slot, "_make_slot", crash)
        with pytest.raises(KeyboardInterrupt):
            world.create()
    with pytest.raises(RepotError):
        world.pump()
    for _ in range(2):
        world.create()
    run(world.dsn, "insert into item values (1, 1)")
    assert world.pump().rows == 1
    wal.drop(world.conn, world.run)
    assert rows(world.dsn, "select relreplident::text from pg_class where relname = 'item'") == [
        ("d",)
    ]
    assert rows(world.dsn, "select pubname from pg_publication") == []


def test_a_transaction_open_while_the_slot_is_made_is_waited_for(make: Make) -> None:
    world = make(ITEMS, ITEM, with_slot=False)
    with connect(world.dsn) as conn:
        conn.execute("begin; select pg_current_xact_id()")
        with pytest.raises(Refused) as waits:
            wal.create(world.conn, world.run, world.plan, world.captured, patience=0.3)
        assert waits.value.code == "wal-slot-waits"
        done = threading.Thread(target=world.create)
        done.start()
        time.sleep(0.3)
        assert done.is_alive()
        conn.execute("insert into item values (1); commit")
        done.join(20)
        assert not done.is_alive()
    # Not told, hence to be seen by the copy, which begins now.
    world.pump()
    assert world.logged() == []
    assert rows(world.dsn, "select id from item") == [(1,)]


def test_what_cannot_be_captured_from_the_wal_is_refused(make: Make, database: str) -> None:
    with connect(database) as conn:
        lists = conn.info.server_version >= 150000
    world = make(
        "create unlogged table public.fleeting (id int primary key);"
        "create table public.computed (id int primary key, c int generated always as (1) stored);"
        "create table public.split (id int) partition by hash (id);"
        "create table public.listed (id int primary key, v int, w int);"
        + ("create publication p for table public.listed (id, v)" if lists else ""),
        {
            name("public", "fleeting"): ("id",),
            name("public", "computed"): ("c",),
            name("public", "split"): ("id",),
            name("public", "listed"): ("v",),
        },
        with_slot=False,
    )
    reasons = "\n".join(wal.refusals(world.conn, world.captured))
    for word in ("UNLOGGED", "generated", "no primary key"):
        assert word in reasons
    assert "list of columns" in reasons or not lists
    with pytest.raises(Refused) as refused:
        world.create()
    assert refused.value.code == "wal-not-available"
    assert rows(world.dsn, "select to_regclass('repot.wal')") == [(None,)]


def test_the_setting_names_tables_as_links_do(database: str) -> None:
    run(database, ITEMS + '; create schema auth; create table auth."User" (id int primary key)')
    plan = make_plan(database, outside=("auth",))
    for text in ("item", "public.item", 'auth."User"', "auth.User", "User"):
        chosen = wal.chosen(plan.model_copy(update={"capture": CaptureSetting(wal=(text,))}))
        assert chosen == {name("public", "item") if "item" in text else name("auth", "User")}
    assert wal.chosen(plan) == frozenset()


PROJECT = {
    "target.sql": "create table thing (id int primary key);",
    "moves/thing.sql": "select id from item",
}


def test_the_setting_is_read_and_goes_into_the_plan(database: str, tmp_path: Path) -> None:
    run(database, "create table item (id int primary key)")
    settings = '[capture]\nwal = ["item", "nowhere.item"]\n'
    folder = write_project(tmp_path / "right", {**PROJECT, "repot.toml": TOML + settings})
    with connection(database) as conn, conn.transaction(force_rollback=True):
        plan = compile_project(conn, load_project(folder))
    assert plan.capture == CaptureSetting(wal=("item", "nowhere.item"))
    assert [f.message for f in plan.errors if f.code == "capture-unknown-table"] == [
        "[capture] wal names the table nowhere.item, which is not there"
    ]
    assert wal.chosen(plan) == {name("public", "item")}
    wrong = '[capture]\nwall = ["item"]\n'
    folder = write_project(tmp_path / "wrong", {**PROJECT, "repot.toml": TOML + wrong})
    with pytest.raises(UsageError) as refused:
        load_project(folder)
    assert "capture.wall" in refused.value.evidence
