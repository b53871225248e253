"""A built-in that works in parts, run as a task: its history, and an end in the middle."""

from __future__ import annotations

import threading
from pathlib import Path

import psycopg
import pytest

from repot.model.errors import RepotError
from repot.upkeep import service
from support.sql import rows, run
from support.upkeeping import folder_with

TASK = """
[task.old]
schedule = "monthly on 1 at 02:00"
care = "archive"
settings = { table = "public.event", column = "at", older_than = "1 day", chunk = 10 }
"""


@pytest.fixture
def folder(database: str, tmp_path: Path) -> Path:
    run(
        database,
        "create table event (id int primary key, at timestamptz); create index on event (at);"
        "insert into event select n, now() - interval '2 days' from generate_series(1, 3000) n",
    )
    return folder_with(tmp_path / "kept", TASK)


def test_each_part_is_a_transaction(database: str, folder: Path) -> None:
    (entry,) = service.run(folder, database, "old")
    assert entry.ok
    assert (entry.figures["moved"], entry.figures["chunks"]) == (3000, 300)
    assert rows(database, "select count(distinct xid) from repot_upkeep.archived") == [(300,)]


def test_a_runner_that_is_ended_in_between(database: str, folder: Path) -> None:
    ended: list[BaseException] = []

    def work() -> None:
        try:
            service.run(folder, database, "old")
        except (psycopg.Error, RepotError) as broken:
            ended.append(broken)

    runner = threading.Thread(target=work)
    runner.start()
    stop = (
        "select count(pg_terminate_backend(l.pid)) from pg_locks l"
        " where l.locktype = 'advisory' and l.granted and l.database = (select oid from pg_database where datname = current_database())"
        " and to_regclass('repot_upkeep.archived') is not null and exists (select from pg_class where oid = to_regclass('archive.event'))"
    )
    while runner.is_alive() and rows(database, stop) == [(0,)]:
        pass
    runner.join()
    assert len(ended) == 1
    first = rows(database, "select count(*) from archive.event")[0][0]
    assert first < 3000
    assert first % 10 == 0
    (entry,) = service.run(folder, database, "old")
    assert entry.ok
    assert rows(
        database, "select (select count(*) from event), (select count(*) from archive.event)"
    ) == [(0, 3000)]
    assert entry.figures["moved"] == 3000 - first
    assert (entry.attempt, len(entry.earlier)) == (2, 1)  # the one that was broken off


def test_what_stops_it_later_keeps_what_was_done(database: str, folder: Path) -> None:
    """An error in a later part: the parts before stay, and the history says how far it came."""
    run(
        database,
        "create schema archive; create table archive.event (id int check (id <> 500), at timestamptz);"
        "update event set at = at - id * interval '1 minute'",  # the highest id goes first
    )
    (entry,) = service.run(folder, database, "old")
    assert entry.ok is False
    assert "event_id_check" in (entry.error or "")
    assert entry.figures["moved"] == 2500
    assert rows(
        database, "select (select count(*) from event), (select count(*) from archive.event)"
    ) == [(500, 2500)]
