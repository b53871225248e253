"""Traps 4 to 7: the instant of the switch, and how it is told what became of it."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from repot.engine.apply.batch import Batch
from repot.engine.session import Session
from repot.engine.swap import attempts, locks, switch
from repot.engine.swap.switch import Switch
from repot.engine.tail import Tail, applying
from repot.engine.tail.words import Block
from repot.model.errors import Refused, RepotError
from repot.model.results import Verdict
from repot.postgres.connect import Connection
from repot.stages.cutover import cutover
from repot.stages.rollback import rollback
from support.sql import connect, rows, run
from support.swapping import whole_backup
from support.wire import Wire
from traps.scene import Scenes, cutting, in_thread, module, somebody_waits, until

SERVES = "select phase from repot.run"
LAST = module("repot.stages.cutover.last")


# ---------------------------------------------------------------- 4


def a_transaction_across_the_switch(session: Session, verdict: Verdict) -> list[tuple[Any, ...]]:
    """It writes one table before the switch begins, and another one afterwards, if it may. Gives
    what V2 has of it in the end."""
    with connect(session.dsn) as writer:
        writer.execute("begin")
        writer.execute("update cat set name = 'torn' where id = 1")
        with suppress(Refused):  # it could not have its locks
            cutover(session, verdict, whole_backup())
        writer.execute("insert into thing (name, cat_id) values ('torn', 1)")
        writer.execute("commit")
    if rows(session.dsn, SERVES) != [("cut_over",)]:
        cutover(session, verdict, whole_backup())
    return rows(session.dsn, "select 'cat' from public.cat where name = 'torn'") + rows(
        session.dsn, "select 'thing' from public.thing where name = 'torn'"
    )


@pytest.mark.parametrize("kind", ["tables", "schema"])
def test_trap_04_transactions_are_not_torn(scenes: Scenes, kind: str) -> None:
    session, verdict = scenes.proven()
    session = cutting(session, swap=kind, lock_timeout_ms=60, retries=1)
    assert a_transaction_across_the_switch(session, verdict) == [("cat",), ("thing",)]


def swapped_at_once(
    conn: Connection, _locks: Any, _timeout: int, _attempt: int, then: Sequence[sql.Composable]
) -> None:
    conn.execute(sql.SQL("; ").join(then))


def test_trap_04_bites_without_the_locks(scenes: Scenes, monkeypatch: pytest.MonkeyPatch) -> None:
    session, verdict = scenes.proven()
    session = cutting(session, swap="schema", lock_timeout_ms=60, retries=1)
    monkeypatch.setattr(switch, "stop_writers", lambda *_: 0.0)
    monkeypatch.setattr(switch, "stop_readers", swapped_at_once)
    assert a_transaction_across_the_switch(session, verdict) == [("thing",)]


# ---------------------------------------------------------------- 5


def a_reader_behind_the_queue(session: Session, verdict: Verdict) -> bool:
    """One transaction has read a table and stays open, the switch waits for it; whether another
    reader gets through meanwhile, in half a second."""
    session = cutting(session, lock_timeout_ms=150, retries=6)
    with connect(session.dsn) as long, connect(session.dsn) as short:
        long.execute("begin; select from thing")
        switching, outcome = in_thread(lambda: cutover(session, verdict, whole_backup()))
        until(lambda: outcome or somebody_waits(session.dsn))
        short.execute("set lock_timeout = '500ms'")
        through = True
        for _ in range(3):
            try:
                short.execute("select count(*) from thing")
            except psycopg.errors.LockNotAvailable:
                through = False
        long.execute("commit")
    switching.join(20)
    assert rows(session.dsn, SERVES) == [("cut_over",)], outcome
    return through


def test_trap_05_nobody_waits_behind_the_waiting_switch(scenes: Scenes) -> None:
    assert a_reader_behind_the_queue(*scenes.proven())


def test_trap_05_bites_without_its_protection(
    scenes: Scenes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The switch waits for its locks for as long as it takes."""
    lock = locks._lock
    monkeypatch.setattr(
        locks, "_lock", lambda conn, what, _, *then: lock(conn, what, 30_000, *then)
    )
    assert not a_reader_behind_the_queue(*scenes.proven())


def test_trap_05_the_locks_are_tried_again_after_times_that_differ(
    scenes: Scenes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two who wait for each other must not march in step; and the orders of their locks must not
    stay opposite."""
    session, verdict = scenes.proven()
    session = cutting(session, lock_timeout_ms=20, retries=5)
    slept, orders = list[float](), list[str]()
    monkeypatch.setattr(attempts.time, "sleep", slept.append)
    turned = locks._turned

    def noted(names: Any, attempt: int) -> Any:
        found = turned(names, attempt)
        if len(names) > 1:
            orders.append(",".join(n.name for n in found))
        return found

    monkeypatch.setattr(locks, "_turned", noted)
    with connect(session.dsn) as writer:
        writer.execute("begin; lock table cat in row exclusive mode")
        with pytest.raises(Refused) as refused:
            cutover(session, verdict, whole_backup())
    assert refused.value.code == "lock-timeout"
    waits = [s for s in slept if s > 0]
    assert len(set(waits)) >= 5
    assert orders[:2] == ["cat,thing", "thing,cat"]


# ---------------------------------------------------------------- 6


EIGHT = "update thing set name = 'late' where id <= 8"


def eight_late_writes(session: Session, patch: pytest.MonkeyPatch) -> None:
    """They are made after the last batch without locks, just before writers are stopped."""
    inner = Switch.stop_writers

    def stop_writers(switch: Switch) -> None:
        run(session.dsn, EIGHT)
        inner(switch)

    patch.setattr(Switch, "stop_writers", stop_writers)


def late_ones(session: Session, schema: str = "public") -> int:
    return len(rows(session.dsn, f"select from {schema}.thing where name = 'late'"))


THREE = sql.SQL("case when repot_rehearsal then 0 else 3 end")


def statement_by_statement(patch: pytest.MonkeyPatch) -> None:
    """The one call that does it all gives up."""
    patch.setattr(Tail, "run", lambda _: "a test")


@pytest.mark.parametrize("way", ["at once", "given up", "statement by statement"])
def test_trap_06_the_queue_is_drained_to_zero(
    way: str, scenes: Scenes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One batch would be three changes here."""
    session, verdict = scenes.proven()
    eight_late_writes(session, monkeypatch)
    monkeypatch.setattr(LAST, "ALL", 3)
    if way == "given up":
        monkeypatch.setattr(applying, "LIMIT", THREE)
    elif way == "statement by statement":
        statement_by_statement(monkeypatch)
    cutover(session, verdict, whole_backup())
    assert late_ones(session) == 8


def test_trap_06_bites_when_one_call_is_taken_for_all(
    scenes: Scenes, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, verdict = scenes.proven()
    eight_late_writes(session, monkeypatch)
    monkeypatch.setattr(applying, "LIMIT", THREE)
    monkeypatch.setattr(Block, "give_up", lambda *_: None)
    cutover(session, verdict, whole_backup())
    assert late_ones(session) == 3


def test_trap_06_bites_when_one_batch_is_taken_for_all(
    scenes: Scenes, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, verdict = scenes.proven()
    eight_late_writes(session, monkeypatch)
    statement_by_statement(monkeypatch)
    monkeypatch.setattr(LAST, "ALL", 3)
    monkeypatch.setattr(Batch, "waits", lambda _: False)
    cutover(session, verdict, whole_backup())
    assert late_ones(session) == 3


def test_trap_06_bites_without_the_drain_under_the_locks(
    scenes: Scenes, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, verdict = scenes.proven()
    eight_late_writes(session, monkeypatch)
    monkeypatch.setattr(module("repot.stages.cutover.stage"), "finish", lambda *_: (0, 0))
    cutover(session, verdict, whole_backup())
    assert late_ones(session) == 0
    assert late_ones(session, "v1_old") == 8  # acknowledged, and gone


def test_trap_06_a_queue_that_does_not_empty_stops_the_switch(
    scenes: Scenes, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, verdict = scenes.proven()
    eight_late_writes(session, monkeypatch)
    statement_by_statement(monkeypatch)
    monkeypatch.setattr(LAST, "ALL", 3)
    monkeypatch.setattr(LAST, "ROUNDS", 2)
    with pytest.raises(RepotError) as refused:
        cutover(session, verdict, whole_backup())
    assert refused.value.code == "not-drained"
    assert rows(session.dsn, SERVES) == [("copied",)]


def test_trap_06_on_the_way_back(scenes: Scenes, monkeypatch: pytest.MonkeyPatch) -> None:
    session = scenes.cut_over()
    eight_late_writes(session, monkeypatch)
    rollback(session)
    assert late_ones(session) == 8


def test_trap_06_bites_on_the_way_back(scenes: Scenes, monkeypatch: pytest.MonkeyPatch) -> None:
    session = scenes.cut_over()
    eight_late_writes(session, monkeypatch)
    monkeypatch.setattr(module("repot.stages.rollback.stage"), "_empty", lambda *_, **__: None)
    rollback(session)
    assert late_ones(session) == 0


# ---------------------------------------------------------------- 7


def said_and_done(session: Session, verdict: Verdict, cut: str) -> tuple[bool, bool]:
    """Whether the cutover whose COMMIT was cut says that it was done, and whether it was."""
    with (
        tempfile.TemporaryDirectory(prefix="rw-") as folder,  # a socket's path must be short
        Wire(session.dsn, Path(folder), cut) as wire,
    ):
        said = False
        with suppress(RepotError):
            cutover(replace(session, dsn=wire.dsn), verdict, whole_backup())
            said = True
    assert wire.cuts == 1
    return said, rows(session.dsn, SERVES) == [("cut_over",)]


@pytest.mark.parametrize(("cut", "done"), [("after", True), ("before", False)])
def test_trap_07_a_commit_lost_on_the_wire_is_settled(scenes: Scenes, cut: str, done: bool) -> None:
    assert said_and_done(*scenes.proven(), cut) == (done, done)


@pytest.mark.parametrize("cut", ["after", "before"])
def test_trap_07_bites_when_nobody_looks(
    scenes: Scenes, cut: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lost is taken for not done; or, for the other case, for done."""

    def settle(*_: object) -> None:
        if cut == "after":
            raise RepotError("connection-lost", "nothing was changed")

    monkeypatch.setattr(attempts, "settle", settle)
    said, done = said_and_done(*scenes.proven(), cut)
    assert said != done
