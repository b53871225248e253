"""What is due, read from the declared tasks and their history."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from repot.model.upkeep import CatchUp, Due, Entry, State, Task, Upkeep
from repot.postgres.connect import Connection
from repot.upkeep.schedule import count_between, last_due
from repot.upkeep.sql import load

LATE = timedelta(minutes=15)  # how late a run may be without being missed; as in sql/run.sql
ATTEMPTS = 3  # for one due time; as in sql/run.sql


@dataclass(frozen=True)
class Standing:
    """Where a registered task stands; `last_due` and `state` are those of its newest run."""

    task: str
    since: datetime
    last_due: datetime | None
    state: State | None
    attempt: int | None

    @property
    def base(self) -> datetime:
        """Due times up to here are settled."""
        return max(self.since, self.last_due) if self.last_due else self.since


def standings(conn: Connection) -> dict[str, Standing]:
    """Where every registered task stands, by name."""
    rows = conn.execute(
        "select task, since, last_due, state, attempt from repot_upkeep.standing"
    ).fetchall()
    found = {}
    for name, since, last, state, attempt in rows:
        assert isinstance(since, datetime)
        found[str(name)] = Standing(
            str(name),
            since,
            last if isinstance(last, datetime) else None,
            State(str(state)) if state else None,
            int(str(attempt)) if attempt is not None else None,
        )
    return found


def due_now(upkeep: Upkeep, task: Task, standing: Standing, now: datetime) -> Due | None:
    """The run of the task that is due: one for all due times that were missed, or none."""
    base = standing.base
    at = last_due(task.cron, upkeep.time_zone, base, now)
    again = False
    if at is None:
        at, again = _broken_off(task, standing), True
    if at is None or (task.catch_up is CatchUp.NO and at < now - LATE):
        return None
    missed = 0
    if not again and task.catch_up is CatchUp.ONCE:
        missed = count_between(task.cron, upkeep.time_zone, base, at)
    return Due(task=task.name, at=at, missed=missed, again=again)


def _broken_off(task: Task, standing: Standing) -> datetime | None:
    tries = standing.attempt or 0
    if standing.state is State.BROKEN_OFF and task.again and tries < ATTEMPTS:
        return standing.last_due
    return None


def pending(conn: Connection, upkeep: Upkeep, now: datetime) -> list[Due]:
    """What is due of all enabled tasks, the oldest first."""
    known = standings(conn)
    found = [
        due
        for task in upkeep.tasks
        if task.enabled and task.name in known
        if (due := due_now(upkeep, task, known[task.name], now)) is not None
    ]
    return sorted(found, key=lambda due: (due.at, due.task))


def entries(
    conn: Connection, *, task: str | None = None, id: int | None = None, limit: int = 20
) -> tuple[Entry, ...]:
    """Runs, the newest first."""
    cursor = conn.execute(load("entries.sql").encode(), {"task": task, "id": id, "limit": limit})
    return tuple(
        Entry.model_validate(dict(zip(Entry.model_fields, row, strict=True))) for row in cursor
    )
