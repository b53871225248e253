"""Runners that die: the line they leave, and who takes it up."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread

import psycopg
import pytest

from repot.model.upkeep import Due, State
from repot.upkeep import once
from repot.upkeep.history import history
from repot.upkeep.run import run_task
from support.upkeeping import Simulated, upkeep_of

NOON = datetime(2026, 6, 10, 10, 0, tzinfo=UTC)
DUE = NOON.replace(hour=22)
LATER = NOON + timedelta(days=1)

SLOW = '[task.a]\nschedule = "daily at 00:00"\nsql = "upkeep/a.sql"\n'
SLEEP = {
    "a": "insert into mark (task) values ('a'); select pg_sleep(10) where not exists (select from fast)"
}

PROGRAM = """
import sys
from datetime import datetime
from pathlib import Path
from repot.model.upkeep import Due
from repot.upkeep import service
from repot.upkeep.run import run_task
run_task(sys.argv[1], service.load(Path(sys.argv[2])), Due(task="a", at=datetime.fromisoformat(sys.argv[3])))
"""


def begin(dsn: str, folder: Path) -> subprocess.Popen[bytes]:
    """A runner of its own that is at the task when this comes back."""
    once.run_due(dsn, upkeep_of(folder), clock=Simulated(NOON))
    command = [sys.executable, "-c", PROGRAM, dsn, str(folder), DUE.isoformat()]
    runner = subprocess.Popen(command)
    with psycopg.connect(dsn, autocommit=True) as conn:
        until = time.monotonic() + 30
        while not conn.execute("select 1 from repot_upkeep.history").fetchone():
            assert time.monotonic() < until
            assert runner.poll() is None
            time.sleep(0.02)
    return runner


def kill(dsn: str, runner: subprocess.Popen[bytes]) -> None:
    """The runner's machine is gone, and the server notices it at once."""
    os.kill(runner.pid, signal.SIGKILL)
    runner.wait()
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
            " where application_name = 'repot upkeep' and datname = current_database()"
        )


@pytest.fixture
def fast(marked: str) -> Callable[[], None]:
    """Call it, and the slow task is slow no more."""
    with psycopg.connect(marked, autocommit=True) as conn:
        conn.execute("create table fast ()")

    def make() -> None:
        with psycopg.connect(marked, autocommit=True) as conn:
            conn.execute("insert into fast default values")

    return make


def test_a_killed_run_is_told_and_repeated_once(
    marked: str, keep: Callable[..., Path], fast: Callable[[], None]
) -> None:
    folder = keep(SLOW, SLEEP)
    upkeep = upkeep_of(folder)
    runner = begin(marked, folder)
    clock = Simulated(LATER)
    running = history(marked, upkeep, clock=clock)
    assert [entry.state for entry in running.entries] == [State.STARTED]
    assert not running.findings
    kill(marked, runner)
    told = history(marked, upkeep, clock=clock)
    assert [entry.state for entry in told.entries] == [State.BROKEN_OFF]
    assert [f.code for f in told.findings] == ["upkeep-broken-off"]
    fast()
    (entry,) = once.run_due(marked, upkeep, clock=clock)
    assert (entry.state, entry.due, entry.attempt) == (State.DONE, DUE, 2)
    assert "written down" in str(entry.earlier[0]["error"])
    assert once.run_due(marked, upkeep, clock=clock) == ()
    with psycopg.connect(marked) as conn:
        assert conn.execute("select count(*) from mark").fetchone() == (1,)
        assert conn.execute("select count(*) from repot_upkeep.history").fetchone() == (1,)


def test_a_killed_command_is_left_to_a_person(marked: str, keep: Callable[..., Path]) -> None:
    folder = keep('[task.a]\nschedule = "daily at 00:00"\ncommand = ["sleep", "3"]\n')
    upkeep = upkeep_of(folder)
    kill(marked, begin(marked, folder))
    clock = Simulated(LATER)
    assert once.run_due(marked, upkeep, clock=clock) == ()
    assert [f.code for f in history(marked, upkeep, clock=clock).findings] == ["upkeep-broken-off"]
    quick = upkeep_of(keep('[task.a]\nschedule = "daily at 00:00"\ncommand = ["true"]\n'))
    assert once.run_one(marked, quick, "a", clock=clock).ok
    seen = history(marked, quick, clock=clock)
    assert not seen.findings
    assert [entry.state.value for entry in seen.entries] == ["done", "broken off"]


def test_what_is_always_broken_off_is_repeated_twice_at_most(
    marked: str, keep: Callable[..., Path]
) -> None:
    folder = keep(SLOW, {"a": "select pg_terminate_backend(pg_backend_pid())"})
    upkeep, clock = upkeep_of(folder), Simulated(NOON)
    once.run_due(marked, upkeep, clock=clock)
    clock.at = LATER
    for _ in range(3):
        with pytest.raises(psycopg.OperationalError):
            once.run_due(marked, upkeep, clock=clock)
    assert once.run_due(marked, upkeep, clock=clock) == ()
    (entry,) = history(marked, upkeep, clock=clock).entries
    assert (entry.state, entry.attempt, len(entry.earlier)) == (State.BROKEN_OFF, 3, 2)


def test_a_lost_connection_does_not_lose_the_outcome_of_a_command(
    marked: str, keep: Callable[..., Path]
) -> None:
    folder = keep('[task.a]\nschedule = "daily at 00:00"\ncommand = ["sleep", "1"]\n')
    upkeep = upkeep_of(folder)
    once.run_due(marked, upkeep, clock=Simulated(NOON))
    got = []
    thread = Thread(target=lambda: got.append(run_task(marked, upkeep, Due(task="a", at=DUE))))
    thread.start()
    with psycopg.connect(marked, autocommit=True) as conn:
        ended = None
        while not ended:
            ended = conn.execute(
                "select pg_terminate_backend(pid) from repot_upkeep.history"
            ).fetchone()
    thread.join()
    assert [entry.state for entry in got] == [State.DONE]
