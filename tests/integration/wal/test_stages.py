"""How capture from the WAL begins, what is lost with its slot, and what is left of it at the end; each
test fails without one protection."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from repot.engine import build as building
from repot.engine import capture, wal
from repot.engine.apply import drain
from repot.engine.build import build
from repot.engine.capture import Captured
from repot.engine.lag import lag, slot_status
from repot.engine.session import Session
from repot.engine.wal import background, slot
from repot.model.errors import Refused, RepotError
from repot.model.state import Phase
from repot.stages.cleanup import cleanup
from repot.stages.copy import copy
from repot.stages.copy import stage as copy_stage
from repot.stages.cutover import cutover
from repot.stages.verify import verify
from support.sql import connect, rows, run
from support.swapping import whole_backup
from support.wal import (
    before,
    identities,
    once,
    published,
    shop_planned,
    slots,
)

Harm = Callable[[Session], None]


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
