"""A COMMIT that is lost on the wire is settled by looking who bears the names (trap 7)."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from repot.engine.swap import outcome as settling
from repot.model.errors import Exit, OutcomeUnknown, RepotError
from repot.postgres import outcome
from repot.postgres.connect import connection
from support.sql import connect, rows
from support.swapping import make_session, switch_over
from support.wire import Wire

TWO = "create schema app_v2; create table public.t (a int); create table app_v2.t (a int, b int)"
V2_SERVES = "select to_regclass('app_old.t') is not null"


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder whose path is short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="rw-") as made:
        yield Path(made)


def test_committed_though_the_answer_was_lost(database: str, folder: Path) -> None:
    session = make_session(database, TWO, outside=())
    with Wire(database, folder, "after") as wire:
        done = switch_over(replace(session, dsn=wire.dsn))
    assert wire.cuts == 1
    assert done.attempts == 1
    assert rows(database, V2_SERVES) == [(True,)]


def test_not_committed_and_said_so(database: str, folder: Path) -> None:
    session = make_session(database, TWO, outside=())
    with Wire(database, folder, "before") as wire, pytest.raises(RepotError) as lost:
        switch_over(replace(session, dsn=wire.dsn))
    assert lost.value.code == "connection-lost"
    assert "not done" in lost.value.message
    assert rows(database, V2_SERVES) == [(False,)]
    switch_over(session)
    assert rows(database, V2_SERVES) == [(True,)]


def test_when_nobody_can_be_asked_a_person_must_look(
    database: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = make_session(database, TWO, outside=())
    monkeypatch.setattr(settling, "WAIT_S", 0.5)
    with Wire(database, folder, "after", dead=True) as wire, pytest.raises(OutcomeUnknown) as lost:
        switch_over(replace(session, dsn=wire.dsn))
    assert lost.value.exit is Exit.UNKNOWN
    question = lost.value.hint.split("run: ")[1].split(";")[0]
    assert rows(database, question) == [("cut_over", "committed")]


def test_a_transaction_still_under_way_is_waited_for(database: str) -> None:
    """The client's connection is gone; its backend may be committing all the same."""
    with connect(database) as other, connection(database) as conn:
        other.execute("begin")
        row = other.execute("select pg_current_xact_id()::text").fetchone()
        assert row is not None
        assert not outcome.ended(conn, row[0])
        other.execute("commit")
        assert outcome.ended(conn, row[0])
        assert outcome.ended(conn, str(int(row[0]) + 1_000_000))  # forgotten in a crash


def test_killed_before_the_commit_changes_nothing(database: str) -> None:
    session = make_session(database, TWO, outside=())

    def die(conn: object) -> None:
        with connect(database) as other:
            other.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where application_name = 'repot cutover' and pid <> pg_backend_pid()"
            )

    with pytest.raises(RepotError) as lost:
        switch_over(session, under_lock=die)
    assert lost.value.code == "connection-lost"
    assert rows(database, V2_SERVES) == [(False,)]
