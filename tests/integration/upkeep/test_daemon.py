"""Daemons: months of simulated time, two at once, lost connections, changed files, signals."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from threading import Thread
from zoneinfo import ZoneInfo

import psycopg
import pytest

from repot.upkeep import once, service
from repot.upkeep.daemon import Daemon
from repot.upkeep.notice import Notice, What
from support.upkeeping import AtOnce, Simulated

PARIS = ZoneInfo("Europe/Paris")
MARK = {"mark": "insert into mark (task) select current_setting('upkeep.task', true)"}
TASKS = {
    "midnight": "daily at 00:00",
    "gap": "daily at 02:30",
    "monday": "weekly on monday at 03:00",
    "first": "monthly on 1 at 04:00",
    "last": "monthly on the last day at 23:30",
    "workdays": "15 6 * * mon-fri",
    "thirteenth": "0 12 13 * *",
}


def tasks_of(schedules: dict[str, str]) -> tuple[str, dict[str, str]]:
    said = "".join(
        f'[task.{name}]\nschedule = "{at}"\nsql = "upkeep/{name}.sql"\n'
        for name, at in schedules.items()
    )
    return said, {name: f"insert into mark (task) values ('{name}')" for name in schedules}


def days(first: date, last: date) -> Iterator[date]:
    while first <= last:
        yield first
        first += timedelta(days=1)


def expected(first: date, last: date) -> dict[str, list[tuple[date, str]]]:
    """The days and the wall times, straight from the calendar."""
    every = list(days(first, last))
    jump = {date(2026, 3, 29), date(2027, 3, 28)}
    return {
        "midnight": [(d, "00:00") for d in every],
        "gap": [(d, "03:00" if d in jump else "02:30") for d in every],
        "monday": [(d, "03:00") for d in every if d.isoweekday() == 1],
        "first": [(d, "04:00") for d in every if d.day == 1],
        "last": [(d, "23:30") for d in every if (d + timedelta(days=1)).day == 1],
        "workdays": [(d, "06:15") for d in every if d.isoweekday() < 6],
        "thirteenth": [(d, "12:00") for d in every if d.day == 13],
    }


def simulate(dsn: str, folder: Path, first: date, last: date) -> list[Notice]:
    """A daemon from before the first day's midnight to the last day's end, in Paris."""
    told: list[Notice] = []
    start = datetime(first.year, first.month, first.day, tzinfo=PARIS) - timedelta(minutes=1)
    end = datetime(last.year, last.month, last.day, 23, 59, tzinfo=PARIS)
    clock = Simulated(start.astimezone(UTC), end.astimezone(UTC))
    daemon = Daemon(
        dsn, folder, told.append, clock=clock, executor=AtOnce(), look_every=timedelta(days=1)
    )
    clock.at_end = daemon.stop
    daemon.run()
    return told


def history(dsn: str) -> dict[str, list[tuple[date, str]]]:
    found: dict[str, list[tuple[date, str]]] = {}
    with psycopg.connect(dsn) as conn:
        rows = conn.execute("select task, due, ok, missed from repot_upkeep.history order by due")
        for task, due, ok, missed in rows:
            assert (ok, missed) == (True, 0)
            local = due.astimezone(PARIS)
            found.setdefault(task, []).append((local.date(), local.strftime("%H:%M")))
    return found


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (date(2026, 3, 1), date(2026, 4, 1)),  # the clocks jump on the 29th of March
        (date(2026, 10, 1), date(2026, 11, 1)),  # an hour is repeated on the 25th of October
    ],
)
def test_a_month_runs_each_task_on_its_days(
    marked: str, keep: Callable[..., Path], first: date, last: date
) -> None:
    folder = keep(*tasks_of(TASKS))
    told = simulate(marked, folder, first, last)
    wanted = {task: times for task, times in expected(first, last).items() if times}
    assert history(marked) == wanted
    with psycopg.connect(marked) as conn:
        marks = conn.execute("select task, count(*) from mark group by task").fetchall()
    assert dict(marks) == {task: len(times) for task, times in wanted.items()}
    assert Counter(n.what for n in told)[What.RAN] == sum(map(len, wanted.values()))


def test_two_daemons_at_once_run_each_due_time_once(marked: str, keep: Callable[..., Path]) -> None:
    folder = keep(*tasks_of(TASKS))
    first, last = date(2026, 3, 10), date(2026, 3, 31)
    told: list[list[Notice]] = []
    two = [
        Thread(target=lambda: told.append(simulate(marked, folder, first, last))) for _ in range(2)
    ]
    for thread in two:
        thread.start()
    for thread in two:
        thread.join()
    wanted = {task: times for task, times in expected(first, last).items() if times}
    with psycopg.connect(marked) as conn:
        marks = dict(conn.execute("select task, count(*) from mark group by task").fetchall())
        stood_for = dict(
            conn.execute(
                "select task, count(*) + sum(missed) from repot_upkeep.history group by task"
            ).fetchall()
        )
        runs = dict(
            conn.execute("select task, count(*) from repot_upkeep.history group by task").fetchall()
        )
    # Their clocks are not one: where one is days ahead, a run of it stands for days of the other.
    assert marks == runs
    assert stood_for == {task: len(times) for task, times in wanted.items()}
    ran = [n.entry for one in told for n in one if n.entry is not None]
    assert len({(e.task, e.due) for e in ran}) == len(ran) == sum(runs.values())


class Living:
    """A daemon in a thread, by the real clock; `until` waits for something that it says."""

    def __init__(self, dsn: str, folder: Path, look: float = 0.2) -> None:
        self.told: list[Notice] = []
        self.daemon = Daemon(dsn, folder, self.told.append, look_every=timedelta(seconds=look))
        self._thread = Thread(target=self.daemon.run)

    def __enter__(self) -> Living:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.daemon.stop()
        self._thread.join(30)
        assert not self._thread.is_alive()

    def until(self, what: What, count: int = 1) -> Notice:
        end = time.monotonic() + 20
        while time.monotonic() < end:
            found = [n for n in self.told if n.what is what]
            if len(found) >= count:
                return found[count - 1]
            time.sleep(0.02)
        raise AssertionError(f"{what} was not said: {self.told}")


def make_due(dsn: str, task: str) -> None:
    """As if the task had been known for two days."""
    with psycopg.connect(dsn, autocommit=True) as conn:
        end = time.monotonic() + 20
        while time.monotonic() < end:
            with suppress(psycopg.errors.UndefinedTable):
                done = conn.execute(
                    "update repot_upkeep.task set since = now() - interval '2 days'"
                    " where name = %s",
                    (task,),
                )
                if done.rowcount:
                    return
            time.sleep(0.05)
    raise AssertionError(task)


def test_it_comes_back_when_the_connection_was_lost(marked: str, keep: Callable[..., Path]) -> None:
    folder = keep(*tasks_of({"a": "daily at 00:00"}))
    name = psycopg.conninfo.conninfo_to_dict(marked)["dbname"]
    other = psycopg.conninfo.make_conninfo(marked, dbname="postgres")
    with Living(marked, folder) as living, psycopg.connect(other, autocommit=True) as conn:
        make_due(marked, "a")
        living.until(What.RAN)
        conn.execute(f"alter database {name} allow_connections false")
        conn.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", (name,)
        )
        living.until(What.TROUBLE, 2)  # the broken connection, and the first try
        conn.execute(f"alter database {name} allow_connections true")
        living.until(What.BACK)
        with psycopg.connect(marked, autocommit=True) as own:
            own.execute("truncate repot_upkeep.history")
        make_due(marked, "a")
        living.until(What.RAN, 2)


def test_a_changed_file_is_taken_over_and_a_wrong_one_is_said(
    marked: str, keep: Callable[..., Path]
) -> None:
    said, sql = tasks_of({"a": "daily at 00:00"})
    folder = keep(said, sql)
    with Living(marked, folder) as living:
        make_due(marked, "a")
        living.until(What.RAN)
        keep(said + "[task.b]\n", sql)
        assert "task.b" in living.until(What.IGNORED).text
        keep(*tasks_of({"a": "daily at 00:00", "b": "daily at 00:01"}))
        living.until(What.RELOADED)
        make_due(marked, "b")
        entry = living.until(What.RAN, 2).entry
        assert entry is not None
        assert entry.task == "b"
        keep(said, {"a": "insert into mark (task) values ('changed')"})  # only its SQL
        living.until(What.RELOADED, 2)
    with psycopg.connect(marked) as conn:
        assert conn.execute(
            "select name, sql like '%changed%' from repot_upkeep.task"
        ).fetchall() == [("a", True)]
    assert len([n for n in living.told if n.what is What.IGNORED]) == 1


def test_a_long_task_does_not_hold_up_a_short_one(marked: str, keep: Callable[..., Path]) -> None:
    said, sql = tasks_of({"long": "daily at 00:00", "short": "daily at 00:00"})
    folder = keep(said, {**sql, "long": "select pg_sleep(3)"})
    with Living(marked, folder) as living:
        make_due(marked, "long")
        make_due(marked, "short")
        entry = living.until(What.RAN).entry
        assert entry is not None
        assert entry.task == "short"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_after_the_task_that_runs(
    marked: str, keep: Callable[..., Path], number: signal.Signals
) -> None:
    said, sql = tasks_of({"a": "daily at 00:00"})
    folder = keep(said, {"a": sql["a"] + "; select pg_sleep(1.5)"})
    once.run_due(marked, service.load(folder))
    make_due(marked, "a")
    command = [sys.executable, "-m", "repot.cli.main", "upkeep", "run", "--daemon", "--json"]
    process = subprocess.Popen(
        [*command, "--project", str(folder), "--database", marked],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        with psycopg.connect(marked, autocommit=True) as conn:
            end = time.monotonic() + 30
            while not conn.execute("select 1 from repot_upkeep.history").fetchone():
                assert time.monotonic() < end
                time.sleep(0.05)
        process.send_signal(number)
        out, _ = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 0
    lines = [json.loads(line) for line in out.splitlines()]
    assert [line["what"] for line in lines] == ["started", "stopping", "ran", "stopped"]
    assert lines[2]["entry"]["state"] == "done"
