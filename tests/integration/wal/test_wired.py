"""What capture from the WAL means for each stage; each test fails without one protection."""

from __future__ import annotations

import dataclasses
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from repot.engine import build as building
from repot.engine import capture, wal
from repot.engine.apply import drain, step_both
from repot.engine.build import build
from repot.engine.capture import Captured
from repot.engine.lag import lag, slot_status
from repot.engine.prove import touched
from repot.engine.session import Session
from repot.engine.wal import background, slot
from repot.engine.wal.family import widen
from repot.engine.wal.sql import load
from repot.model.errors import Refused, RepotError
from repot.model.names import name
from repot.model.state import Phase
from repot.postgres.relations import oid_of
from repot.stages.cleanup import cleanup
from repot.stages.copy import copy
from repot.stages.copy import stage as copy_stage
from repot.stages.cutover import cutover
from repot.stages.cutover import stage as cutover_stage
from repot.stages.follow import follow
from repot.stages.rollback import rollback
from repot.stages.rollback import stage as rollback_stage
from repot.stages.verify import snapshot, verify
from support.moving import TOML
from support.moving import make_session as make_project
from support.sql import connect, rows, run
from support.swapping import make_session, now_proven, switch_over, whole_backup
from support.wal import EVERY, shop_from_wal, shop_planned, slots

draining = sys.modules["repot.engine.apply.drain"]  # not the function of that name
Harm = Callable[[Session], None]


@pytest.fixture
def shop(database: str, tmp_path: Path) -> Session:
    """Copied; everything is captured from the WAL."""
    return shop_from_wal(database, tmp_path)


def once(session: Session, **options: Any) -> int:
    return follow(session, stop=threading.Event(), once=True, **options).changes


def before(
    patch: pytest.MonkeyPatch, where: object, what: str, write: Callable[[], None], times: int = 1
) -> list[int]:
    """Have somebody write right before `where.what` is called, the first times; how often."""
    real, done = getattr(where, what), list[int]()

    def late(*arguments: Any, **options: Any) -> Any:
        if len(done) < times:
            done.append(1)
            write()
        return real(*arguments, **options)

    patch.setattr(where, what, late)
    return done


def published(dsn: str) -> set[str]:
    found = rows(dsn, "select prrelid::regclass::text from pg_publication_rel")
    return {name.rpartition(".")[2] for (name,) in found}


def identities(dsn: str) -> set[str]:
    query = (
        "select c.relreplident::text from pg_class c join pg_namespace n on n.oid = c.relnamespace"
        " where n.nspname in ('public', 'shop_old') and c.relkind = 'r'"
    )
    return {identity for (identity,) in rows(dsn, query)}


def test_a_crash_before_the_slot_is_made_is_mended_by_the_copy(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = shop_planned(database, tmp_path)

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(building.wal, "create", crash)
        with pytest.raises(KeyboardInterrupt):
            build(session)
    assert rows(database, "select phase from repot.run") == [("copying",)]
    assert slots(database) == []
    copy(session)
    assert len(slots(database)) == 1
    run(database, "update product set price = 9 where id < 10")
    assert once(session) == 9
    assert verify(session).passed


def test_a_crash_while_the_slot_is_made_leaves_one_slot(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = shop_planned(database, tmp_path)
    real = slot._make_slot

    def crash(*arguments: Any) -> str:
        real(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(slot, "_make_slot", crash)
        with pytest.raises(KeyboardInterrupt):
            build(session)
    assert len(slots(database)) == 1
    cleanup(session, abandon=True)
    assert slots(database) == []
    assert identities(database) == {"d"}


def test_nothing_is_built_where_it_cannot_be_captured(database: str, tmp_path: Path) -> None:
    session = shop_planned(database, tmp_path)
    run(database, "alter table purchase set unlogged")
    with pytest.raises(Refused) as refused:
        build(session)
    assert refused.value.code == "wal-not-available"
    assert "UNLOGGED" in refused.value.evidence
    assert rows(database, "select phase from repot.run") == [("planned",)]
    assert rows(database, "select to_regnamespace('shop_v2')") == [(None,)]


def test_a_copy_does_not_go_on_without_its_slot(database: str, tmp_path: Path) -> None:
    session = shop_planned(database, tmp_path)
    session = session.at(build(session))
    with connect(database) as conn:
        conn.execute("select pg_drop_replication_slot(slot) from repot.wal")
    with pytest.raises(RepotError) as lost:
        copy(session)
    assert lost.value.code == "wal-slot-lost"


def test_what_is_written_during_the_copy_is_read_during_it(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody else would read the slot until the copy has ended."""
    session = shop_planned(database, tmp_path)
    session = session.at(build(session))
    monkeypatch.setattr(background, "PAUSE", 0.1)
    log = rows(database, "select log from repot.capture where source = 'public.product'")[0][0]

    def write() -> None:
        run(database, "update product set price = 9 where id < 10")
        deadline = time.monotonic() + 20
        while rows(database, f"select count(*) from repot.{log}") != [(9,)]:
            assert time.monotonic() < deadline
            time.sleep(0.02)

    assert before(monkeypatch, copy_stage, "work", write) == []
    copy(session)
    assert verify(session).passed


def test_a_slot_that_is_lost_during_the_copy_fails_it(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = shop_planned(database, tmp_path)
    session = session.at(build(session))
    monkeypatch.setattr(background, "PAUSE", 0.01)

    def harm() -> None:
        run(database, "select pg_drop_replication_slot(slot) from repot.wal")
        time.sleep(0.5)

    before(monkeypatch, copy_stage, "work", harm)
    with pytest.raises(RepotError) as lost:
        copy(session)
    assert lost.value.code == "wal-slot-lost"
    assert rows(database, "select phase from repot.run") == [("copying",)]


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
    drops_slot(session)
    run(shop.dsn, "update customers set email = 'late' where id = 1")
    assert once(session) == 1
    run(shop.dsn, "update customers set email = 'later' where id = 2")
    session = session.at(rollback(session)[0])
    asked = "select email from customer where id in (1, 2) order by id"
    assert rows(shop.dsn, asked) == [("late",), ("later",)]
    with pytest.raises(RepotError) as lost:
        verify(session)
    assert lost.value.code == "wal-slot-lost"


def drops_slot(session: Session) -> None:
    run(session.dsn, "select pg_drop_replication_slot(slot) from repot.wal")


def drops_publication(session: Session) -> None:
    run(session.dsn, "drop publication repot_1")


@pytest.mark.parametrize("harm", [drops_slot, drops_publication])
def test_what_was_lost_stops_every_stage(shop: Session, harm: Harm) -> None:
    verdict = verify(shop)
    harm(shop)
    stages: list[Callable[[], object]] = [
        lambda: once(shop),
        lambda: verify(shop),
        lambda: cutover(shop, verdict, whole_backup()),
    ]
    for stage in stages:
        with pytest.raises(RepotError) as lost:
            stage()
        assert lost.value.code == "wal-slot-lost"
    assert rows(shop.dsn, "select phase from repot.run") == [("copied",)]
    with shop.connect() as conn:
        status = slot_status(conn, shop.run.id)
    assert status is not None
    assert status.trouble is not None
    assert "is not there any more" in status.trouble


def test_how_far_the_reading_is(shop: Session) -> None:
    with shop.connect() as conn:
        drain(conn, shop.run.id, shop.plan)
        one = slot_status(conn, shop.run.id)
        run(shop.dsn, "create table big as select repeat('x', 900) from generate_series(1, 9000)")
        other = slot_status(conn, shop.run.id)
        assert one is not None
        assert other is not None
        assert (one.name, one.trouble) == (slots(shop.dsn)[0][0], None)
        assert other.behind > one.behind + 5_000_000
        assert other.kept >= other.behind
        once(shop)
        after = slot_status(conn, shop.run.id)
        assert after is not None
        assert after.behind < other.behind / 2


def test_a_log_that_goes_while_it_is_counted_does_not_end_the_follower(
    shop: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rollback removes those of the way back while the follower is at it."""
    real, gone = capture.read, list[Captured]()

    def stale(*arguments: Any) -> tuple[Captured, ...]:
        found = real(*arguments)
        if not gone:
            gone.append(dataclasses.replace(found[0], id=10_000))
            return (*found, *gone)
        return found

    with shop.connect() as conn:
        monkeypatch.setattr(capture, "read", stale)
        assert lag(conn, shop.run.id, capture.FORWARD).changes == 0
    assert gone


def test_a_restart_and_an_end_leave_nothing_behind(shop: Session) -> None:
    assert "f" in identities(shop.dsn)  # purchases are found by their customers, too
    dropped = building.drop_build(shop)
    assert dropped.phase is Phase.PLANNED
    assert slots(shop.dsn) == []
    assert published(shop.dsn) == set()
    assert identities(shop.dsn) == {"d"}
    again = shop.at(build(shop.at(dropped)))
    copy(again)
    run(shop.dsn, "update product set price = 9 where id < 10")
    assert verify(again).passed
    assert cleanup(again, abandon=True).phase is Phase.CLEANED
    assert (slots(shop.dsn), published(shop.dsn), identities(shop.dsn)) == ([], set(), {"d"})


def test_a_refused_restart_leaves_the_slot(shop: Session) -> None:
    run(shop.dsn, "create view public.theirs as select id from shop_v2.customers")
    with pytest.raises(Refused):
        building.drop_build(shop)
    run(shop.dsn, "update product set price = 9 where id < 10")
    assert once(shop) == 9


@pytest.mark.parametrize("broken_off", [False, True])
def test_the_end_after_the_cutover(
    shop: Session, monkeypatch: pytest.MonkeyPatch, broken_off: bool
) -> None:
    done, _ = cutover(shop, verify(shop), whole_backup())
    session = shop.at(done)
    monkeypatch.setattr("repot.stages.cleanup.gates.check", lambda *_: None)
    if broken_off:

        def crash(*_: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(wal, "drop", crash)
            with pytest.raises(KeyboardInterrupt):
                cleanup(session, force_name="shop_old")
        assert len(slots(shop.dsn)) == 1
    assert cleanup(session, force_name="shop_old").phase is Phase.CLEANED
    assert slots(shop.dsn) == []
    assert rows(shop.dsn, "select pubname from pg_publication") == []
    assert rows(shop.dsn, "select to_regnamespace('shop_old')") == [(None,)]


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
