"""The server stops while the proof runs: the error says that the connection is lost, whatever the
first statement is that notices it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from repot.embedded import EmbeddedServer
from repot.engine import wal
from repot.lifecycle.runner import Runner
from repot.model.errors import RepotError
from repot.service import open_project
from repot.stages.verify import rows as comparing
from support.project import write
from support.sql import connect, run

V1 = """
create table thing (id int primary key, name text);
insert into thing select n, 'thing ' || n from generate_series(1, 5000) n;
create table other (id int primary key, name text);
insert into other select n, 'other ' || n from generate_series(1, 5000) n;
"""
FILES = {
    "target.sql": "create table things (id int primary key, name text);"
    "create table others (id int primary key, name text);",
    "moves/things.sql": "select id, name from thing",
    "moves/others.sql": "select id, name from other",
}


@pytest.fixture(scope="module")
def own() -> Iterator[EmbeddedServer]:
    """A server that may be stopped."""
    with EmbeddedServer(settings={"wal_level": "logical"}) as running:
        yield running


@pytest.fixture
def copied(own: EmbeddedServer, tmp_path: Path) -> Runner:
    run(own.dsn(), "drop database if exists moving with (force)")
    run(own.dsn(), "create database moving")
    dsn = own.dsn("moving")
    run(dsn, V1)
    runner = open_project(write(tmp_path / "p", FILES), dsn)
    runner.copy()
    return runner


def stop(server: EmbeddedServer) -> None:
    server.restart("immediate")


def end_all(server: EmbeddedServer) -> None:
    """The server stays, and all connections are ended."""
    with connect(server.dsn()) as conn:
        conn.execute(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = 'moving'"
        )


def lost(runner: Runner) -> None:
    with pytest.raises(RepotError) as failed:
        runner.verify(workers=3)
    assert failed.value.code == "connection-broken", failed.value
    assert "connection" in failed.value.evidence
    assert "the same command goes on" in (failed.value.hint or "")
    assert runner.verify(workers=3).passed


def once(happens: Callable[[], None], inner: Callable[..., Any], *, first: bool) -> Any:
    """`inner`, and what happens before or after its first call."""
    done: list[bool] = []

    def called(*words: Any) -> Any:
        now = not done
        done.append(True)
        if now and first:
            happens()
        found = inner(*words)
        if now and not first:
            happens()
        return found

    return called


TROUBLE = [stop, end_all]


@pytest.mark.parametrize("trouble", TROUBLE)
def test_between_the_connections_of_one_snapshot(
    copied: Runner,
    own: EmbeddedServer,
    trouble: Callable[[EmbeddedServer], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The snapshot went with the connection that gave it: the next one is told it is unknown."""
    monkeypatch.setattr(wal, "unread", once(lambda: trouble(own), wal.unread, first=False))
    lost(copied)


@pytest.mark.parametrize("trouble", TROUBLE)
def test_while_the_pieces_are_compared(
    copied: Runner,
    own: EmbeddedServer,
    trouble: Callable[[EmbeddedServer], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    inner = comparing.compare
    monkeypatch.setattr(comparing, "compare", once(lambda: trouble(own), inner, first=True))
    lost(copied)
