"""Proofs, the switch and the way back while the WAL tells changes late; each test fails without one
protection."""

from __future__ import annotations

import sys
from pathlib import Path

import psycopg
import pytest

from repot.engine import wal
from repot.engine.apply import drain, step_both
from repot.engine.build import build
from repot.engine.capture import Captured
from repot.engine.prove import touched
from repot.engine.session import Session
from repot.engine.wal.family import widen
from repot.engine.wal.sql import load
from repot.model.errors import RepotError
from repot.model.names import name
from repot.model.state import Phase
from repot.postgres.relations import oid_of
from repot.stages.copy import copy
from repot.stages.cutover import cutover
from repot.stages.cutover import stage as cutover_stage
from repot.stages.rollback import rollback
from repot.stages.rollback import stage as rollback_stage
from repot.stages.verify import snapshot, verify
from support.moving import TOML
from support.moving import make_session as make_project
from support.sql import connect, rows, run
from support.swapping import make_session, now_proven, switch_over, whole_backup
from support.wal import (
    EVERY,
    before,
    identities,
    once,
    published,
    shop_from_wal,
)

draining = sys.modules["repot.engine.apply.drain"]  # not the function of that name


FAMILY = {
    "repot.toml": TOML + '[capture]\nwal = ["parent"]\n',
    "target.sql": "create table parents (id int primary key);"
    "create table children (id int primary key, parent int not null references parents);",
    "moves/parents.sql": "select id from parent",
    "moves/children.sql": "select id, parent from child",
}


def test_a_row_may_refer_to_one_that_was_not_read_yet(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Children are told by triggers, parents by the WAL, a little later."""
    v1 = """
        create table parent (id int primary key);
        create table child (id int primary key, parent int not null references parent)"""
    session = make_project(database, tmp_path, FAMILY, v1)
    session = session.at(build(session))
    copy(session)
    both = "insert into parent values (1); insert into child values (1, 1)"
    written = before(monkeypatch, draining, "lane", lambda: run(database, both))
    with session.connect() as conn:
        drain(conn, session.run.id, session.plan)
    assert written
    assert rows(database, "select * from v2.children") == [(1, 1)]
    assert verify(session).passed


def test_the_proof_sets_aside_what_its_snapshot_sees_and_nobody_has_read(
    shop: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    statement = (
        "update product set price = price + 1 where id < 10; delete from purchase where id < 9"
    )
    written = before(monkeypatch, snapshot, "files", lambda: run(shop.dsn, statement))
    verdict = verify(shop)
    assert written
    assert verdict.passed, verdict.reasons
    assert verdict.set_aside
    assert verdict.proven_later


def test_what_was_touched_is_not_proven_where_something_is_not_read(
    shop: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(shop.dsn, "update product set price = 5 where id < 10")
    once(shop)
    statement = "update product set price = 6 where id < 10"
    written = before(monkeypatch, touched, "files", lambda: run(shop.dsn, statement))
    with shop.connect() as conn:
        proofs = touched.prove_touched(conn, shop.run.id, shop.plan)
    assert written
    assert not any(p.counts.differences for p in proofs)


@pytest.mark.parametrize("proof", ["all", "touched"])
def test_nobody_reads_on_between_a_proof_s_snapshot_and_its_reading(
    shop: Session, monkeypatch: pytest.MonkeyPatch, proof: str
) -> None:
    """What the slot has told somebody else it would not tell again."""
    kept_out = list[int]()

    def pump() -> None:
        run(shop.dsn, "update product set price = 7 where id < 10")
        with shop.connect() as conn:
            conn.execute("set lock_timeout = '200ms'")
            try:
                wal.catch_up(conn, shop.run.id, shop.plan)
            except psycopg.errors.LockNotAvailable:
                kept_out.append(1)

    before(monkeypatch, wal, "unread", pump)
    if proof == "all":
        assert verify(shop).passed
    else:
        with shop.connect() as conn:
            touched.prove_touched(conn, shop.run.id, shop.plan)
    assert kept_out


@pytest.mark.parametrize("commit", ["on", "off"])
def test_what_is_written_last_is_in_v2_when_it_serves(
    shop: Session, monkeypatch: pytest.MonkeyPatch, commit: str
) -> None:
    def write() -> None:
        with connect(shop.dsn) as conn:
            conn.execute("set synchronous_commit = " + commit)
            conn.execute("update product set price = 4711 where id = 8")
            conn.execute("insert into purchase (customer_id, amount) values (1, 4711)")

    verdict = verify(shop)
    written = before(monkeypatch, cutover_stage, "hold_lane", write)
    done, result = cutover(shop, verdict, whole_backup())
    assert written
    assert result.drained >= 2
    assert done.phase is Phase.CUT_OVER
    assert rows(shop.dsn, "select count(*) from items where price = 4711") == [(1,)]
    assert rows(shop.dsn, "select count(*) from purchases where amount = 4711") == [(1,)]


def test_the_switch_leaves_the_run_s_publication_alone(shop: Session) -> None:
    # As a user's publication it would lose V1's tables; a namesake of V2 would take their places.
    run(shop.dsn, "create publication theirs for table product")
    before_it = published(shop.dsn)
    done, _ = cutover(shop, verify(shop), whole_backup())
    assert published(shop.dsn) >= before_it
    assert once(shop.at(done)) == 0  # or wal-slot-lost
    ours = "select count(*) from pg_publication_rel r join pg_publication p on p.oid = r.prpubid"
    assert rows(shop.dsn, ours + " where pubname = 'repot_1'") == [(5,)]
    assert rows(shop.dsn, ours + " where pubname = 'theirs'") == [(0,)]


@pytest.mark.parametrize("tables", [(), EVERY], ids=["triggers", "wal"])
def test_what_follows_from_repot_s_own_writes_is_weighed(
    database: str, tmp_path: Path, tables: tuple[str, ...]
) -> None:
    """V2's item moves to another category: V1's follows, and its views count items otherwise."""
    session = shop_from_wal(database, tmp_path, tables)
    done, _ = cutover(session, verify(session), whole_backup())
    session = session.at(done)
    run(
        database,
        "update items set category_id = 2 where id ="
        " (select id from items where category_id = 3 limit 1)",
    )
    done, result = rollback(session)
    # The item's own is its note, which V2's trigger has written.
    assert result.not_carried_rows == 3
    assert {e.table for e in result.not_carried} == {"categories", "items"}
    assert now_proven(session.at(done))[1].passed


def test_what_others_changed_last_is_no_loss_of_the_rollback(
    shop: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    done, _ = cutover(shop, verify(shop), whole_backup())
    item = "(select value from repot_registry.item_key where kind = 'product' and id = 12)"
    run(shop.dsn, f"update items set price = 5 where id = {item}")
    late = "update shop_old.product set price = 6 where id = 12"
    written = before(monkeypatch, rollback_stage, "hold_lane", lambda: run(shop.dsn, late))
    done, result = rollback(shop.at(done))
    assert written
    assert done.phase is Phase.ROLLED_BACK
    assert not any("price" in e.columns for e in result.not_carried)
    assert now_proven(shop.at(done))[1].passed


def test_both_ways_a_change_that_was_not_read_is_a_conflict(shop: Session) -> None:
    once(shop, both="v1")
    item = "(select value from repot_registry.item_key where kind = 'product' and id = 12)"
    run(shop.dsn, "update product set price = 700 where id = 12")
    run(shop.dsn, f"set search_path = shop_v2; update items set price = 800 where id = {item}")
    with shop.connect() as conn:
        done = step_both(conn, shop.run.id, shop.plan, "v1")
    assert done.conflicts == 1
    assert rows(shop.dsn, "select price from product where id = 12") == [(700,)]
    assert rows(shop.dsn, f"select price from shop_v2.items where id = {item}") == [(700,)]
    with shop.connect() as conn:
        again = step_both(conn, shop.run.id, shop.plan, "v1")
    assert (again.changes, again.conflicts) == (0, 0)
    assert verify(shop).passed


def test_both_ways_v2_s_rows_follow_what_repot_wrote_to_v1(shop: Session) -> None:
    once(shop, both="last")
    item = "(select value from repot_registry.item_key where kind = 'product' and id = 12)"
    counts = "select id, items_count from shop_v2.categories where id in (2, 3) order by id"
    run(shop.dsn, "update product set category_id = 3 where id = 12")
    once(shop)
    (_, two), (_, three) = rows(shop.dsn, counts)
    run(shop.dsn, f"set search_path = shop_v2; update items set category_id = 2 where id = {item}")
    once(shop)
    assert rows(shop.dsn, counts) == [(2, two + 1), (3, three - 1)]
    assert verify(shop).passed


def test_the_way_back_is_open_where_the_slot_was_lost(shop: Session) -> None:
    done, _ = cutover(shop, verify(shop), whole_backup())
    session = shop.at(done)
    run(shop.dsn, "select pg_drop_replication_slot(slot) from repot.wal")
    run(shop.dsn, "update customers set email = 'late' where id = 1")
    assert once(session) == 1
    run(shop.dsn, "update customers set email = 'later' where id = 2")
    session = session.at(rollback(session)[0])
    asked = "select email from customer where id in (1, 2) order by id"
    assert rows(shop.dsn, asked) == [("late",), ("later",)]
    with pytest.raises(RepotError) as lost:
        verify(session)
    assert lost.value.code == "wal-slot-lost"


def test_an_identity_that_repot_widened_is_not_handed_on_to_v2(database: str) -> None:
    """Where V1's table has another than the default, V2's table of the same name takes it over."""
    script = """
        create schema app_v2;
        create table public.items (id int primary key, title text);
        create table app_v2.items (id int primary key, title text)"""
    session = make_session(database, script, outside=())
    items = name("public", "items")
    with session.connect() as conn:
        conn.execute(load("state.sql").encode())
        conn.execute("insert into repot.wal values (1, 's', 'p', 't')")
        oid = oid_of(conn, items)
        assert oid is not None
        widen(conn, 1, [Captured(1, oid, "public.items", items, ("title",), ("text",))])
    assert identities(database) == {"f"}
    switch_over(session)
    assert identities(database) == {"d"}
