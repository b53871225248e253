"""What is due now, or one task now: for the machine's cron, and for people."""

from __future__ import annotations

from datetime import datetime

from repot.model.errors import Refused, UsageError
from repot.model.progress import Progress
from repot.model.upkeep import Due, Entry, Task, Upkeep
from repot.postgres.connect import Connection
from repot.upkeep.clock import Clock, ServerClock
from repot.upkeep.registering import ensure, register
from repot.upkeep.run import run_task
from repot.upkeep.session import session
from repot.upkeep.standing import due_now, pending, standings


def run_due(
    dsn: str, upkeep: Upkeep, *, clock: Clock | None = None, progress: Progress | None = None
) -> tuple[Entry, ...]:
    """Run what is due, the oldest first; gives the runs that were this call's. A task that fails
    does not keep the others from running."""
    with session(dsn) as conn:
        found = pending(conn, upkeep, _begin(conn, upkeep, clock or ServerClock()))
    ran = (run_task(dsn, upkeep, due, progress=progress) for due in found)
    return tuple(entry for entry in ran if entry is not None)


def run_one(
    dsn: str,
    upkeep: Upkeep,
    name: str,
    *,
    clock: Clock | None = None,
    progress: Progress | None = None,
) -> Entry:
    """Run one task now: for its due time, if it is due, else beside its schedule.

    Raises UsageError `upkeep-no-task`, Refused `upkeep-busy` where another runner is at it.
    """
    task = known(upkeep, name)
    with session(dsn) as conn:
        now = _begin(conn, upkeep, clock or ServerClock())
        due = due_now(upkeep, task, standings(conn)[name], now) if task.enabled else None
    entry = run_task(
        dsn, upkeep, due or Due(task=name, at=now), asked=due is None, progress=progress
    )
    if entry is None:
        raise Refused(
            "upkeep-busy",
            f"another runner is at the task {name}",
            hint="`repot upkeep history` says which; wait for it",
        )
    return entry


def _begin(conn: Connection, upkeep: Upkeep, clock: Clock) -> datetime:
    ensure(conn)
    clock.look(conn)
    now = clock.now()
    register(conn, upkeep, now)
    return now


def known(upkeep: Upkeep, name: str) -> Task:
    """The task of this name. Raises UsageError `upkeep-no-task`."""
    task = upkeep.task(name)
    if task is None:
        raise UsageError(
            "upkeep-no-task",
            f"upkeep.toml has no task named {name}",
            hint="there are: " + ", ".join(task.name for task in upkeep.tasks),
        )
    return task
