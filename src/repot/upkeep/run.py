"""One run of one task, and its line in the history, whatever comes of it."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from repot.model.errors import RepotError
from repot.model.progress import Progress, Silent
from repot.model.upkeep import Due, Entry, Outcome, Task, Upkeep, Work
from repot.postgres.connect import Connection, without_password
from repot.upkeep.builtins import builtins, in_database
from repot.upkeep.command import run_command
from repot.upkeep.session import open_session, session
from repot.upkeep.standing import entries

_REPORT_S = 120.0  # how long to try to write down an outcome


def runner_name() -> str:
    """Who runs, for the history: `repot@host:pid`."""
    return f"repot@{socket.gethostname()}:{os.getpid()}"


def run_task(
    dsn: str,
    upkeep: Upkeep,
    due: Due,
    *,
    asked: bool = False,
    stopped: Callable[[], bool] = lambda: False,
    progress: Progress | None = None,
) -> Entry | None:
    """Run the task for this due time; its line in the history, or None where another runner has it
    or had it. A task that fails is no error here.

    Raises RepotError `connection-failed`, psycopg.OperationalError where the connection breaks.
    """
    task = upkeep.task(due.task)
    assert task is not None
    with closing(open_session(dsn)) as conn:
        if in_database(task):
            return _inside(conn, task, due, asked)
        work = Work(
            dsn=dsn,
            task=task.name,
            settings=task.settings,
            due=due.at,
            folder=Path(upkeep.folder),
            schema=upkeep.schema_,
            time_zone=upkeep.time_zone,
            timeout=task.timeout,
            stopped=stopped,
            progress=progress or Silent(),
        )
        return _outside(conn, task, due, asked, work)


def _inside(conn: Connection, task: Task, due: Due, asked: bool) -> Entry | None:
    """The database runs it, by the very procedure that pg_cron calls."""
    limit = int((task.timeout or 0) * 1000)
    conn.execute(sql.SQL("set statement_timeout = {}").format(sql.Literal(limit)))
    before = conn.execute("select clock_timestamp()").fetchone()
    assert before is not None
    conn.execute(
        "call repot_upkeep.run(%s, %s, %s, %s, %s)",
        (task.name, due.at, runner_name(), due.missed, asked),
    )
    conn.execute("set statement_timeout = 0")
    row = conn.execute(
        "select id from repot_upkeep.history where task = %s and due = %s"
        " and pid = pg_backend_pid() and started >= %s",
        (task.name, due.at, before[0]),
    ).fetchone()
    return _entry(conn, int(str(row[0]))) if row else None


def _outside(conn: Connection, task: Task, due: Due, asked: bool, work: Work) -> Entry | None:
    """This process runs it, and the connection holds the task's lock meanwhile."""
    row = conn.execute(
        "select repot_upkeep.begin_run(%s, %s, %s, %s, %s), pg_backend_pid()",
        (task.name, due.at, runner_name(), due.missed, asked),
    ).fetchone()
    assert row is not None
    if row[0] is None:
        return None
    begun, pid = int(str(row[0])), int(str(row[1]))
    outcome, error = _work(task, work)
    values = (
        *(begun, pid, outcome.ok, outcome.summary, Jsonb(outcome.figures)),
        *(Jsonb([f.model_dump(mode="json") for f in outcome.findings]), error),
    )
    return _write_down(conn, work.dsn, begun, values)


def _work(task: Task, work: Work) -> tuple[Outcome, str | None]:
    try:
        if task.care is None:
            return run_command(task, work), None
        run = builtins()[task.care].run
        assert run is not None
        return run(work), None
    except RepotError as failed:
        error = "\n".join(t for t in (failed.message, failed.evidence, failed.hint) if t)
        return Outcome(ok=False, summary=f"{failed.code}: {failed.message}"), error
    except Exception as failed:  # noqa: BLE001 - whatever it is, it goes into the history
        said = without_password(f"{type(failed).__name__}: {failed}", work.dsn)
        return Outcome(ok=False, summary=said.splitlines()[0]), said


def _write_down(conn: Connection, dsn: str, begun: int, values: tuple[object, ...]) -> Entry:
    """The outcome of a run must not be lost because the connection was, in the meantime."""
    try:
        entry = _finish(conn, begun, values)
        conn.execute("select pg_advisory_unlock(repot_upkeep.lock_key(%s))", (entry.task,))
        return entry
    except psycopg.OperationalError:
        until = time.monotonic() + _REPORT_S
    while True:
        try:
            with session(dsn) as fresh:
                return _finish(fresh, begun, values)
        except (psycopg.OperationalError, RepotError):
            if time.monotonic() > until:
                raise
            time.sleep(1)


def _finish(conn: Connection, begun: int, values: tuple[object, ...]) -> Entry:
    conn.execute("select repot_upkeep.finish_run(%s, %s, %s, %s, %s, %s, %s)", values)
    return _entry(conn, begun)


def _entry(conn: Connection, id: int) -> Entry:
    return entries(conn, id=id, limit=1)[0]
