"""How the tasks have fared: their last runs, what failed, what is overdue."""

from __future__ import annotations

from datetime import datetime

from repot.model.base import Value
from repot.model.finding import Finding, error
from repot.model.upkeep import Entry, State, Task, Upkeep
from repot.postgres.connect import Connection
from repot.upkeep.clock import Clock, ServerClock
from repot.upkeep.registering import is_installed
from repot.upkeep.schedule import last_due, next_due
from repot.upkeep.session import session
from repot.upkeep.standing import LATE, Standing, entries, standings


class Fare(Value):
    """How one task has fared; `next` is its next due time, in UTC."""

    task: str
    enabled: bool
    last: Entry | None = None
    next: datetime | None = None
    overdue: datetime | None = None  # the due time that nobody has run

    @property
    def is_well(self) -> bool:
        return self.overdue is None and (self.last is None or self.last.ok is not False)


class History(Value):
    """`entries`: the runs, the newest first; `findings`: what is wrong with enabled tasks."""

    entries: tuple[Entry, ...]
    tasks: tuple[Fare, ...]
    findings: tuple[Finding, ...]


def history(
    dsn: str,
    upkeep: Upkeep,
    *,
    task: str | None = None,
    limit: int = 20,
    clock: Clock | None = None,
) -> History:
    """Read the history; changes nothing. task: of this one alone."""
    clock = clock or ServerClock()
    wanted = [one for one in upkeep.tasks if task in (None, one.name)]
    with session(dsn) as conn:
        clock.look(conn)
        there = is_installed(conn)
        known = standings(conn) if there else {}
        runs = entries(conn, task=task, limit=limit) if there else ()
        fares = tuple(_fare(conn, upkeep, one, known.get(one.name), clock.now()) for one in wanted)
    findings = [finding for fare in fares if fare.enabled for finding in _wrong(fare, known)]
    return History(entries=runs, tasks=fares, findings=tuple(findings))


def _fare(
    conn: Connection, upkeep: Upkeep, task: Task, standing: Standing | None, now: datetime
) -> Fare:
    zone = upkeep.time_zone
    last, overdue = None, None
    if standing is not None:
        last = next(iter(entries(conn, task=task.name, limit=1)), None)
        missed = last_due(task.cron, zone, standing.base, now - LATE)
        running = standing.state is State.STARTED
        overdue = missed if task.enabled and not running else None
    following = next_due(task.cron, zone, now) if task.enabled else None
    return Fare(task=task.name, enabled=task.enabled, last=last, next=following, overdue=overdue)


def _wrong(fare: Fare, known: dict[str, Standing]) -> list[Finding]:
    found = []
    if fare.task not in known:
        found.append(
            error(
                "upkeep-not-registered",
                f"{fare.task}: the database does not know this task: nothing has run it yet",
                hint="repot upkeep install (pg_cron), or repot upkeep run, by cron or --daemon",
                object=fare.task,
            )
        )
    if fare.last is not None and fare.last.state is State.FAILED:
        found.append(
            error(
                "upkeep-failed",
                f"{fare.task}: the last run failed: {fare.last.summary or _first(fare.last)}",
                hint=f"when the cause is gone: repot upkeep run {fare.task}",
                object=fare.task,
            )
        )
    if fare.last is not None and fare.last.state is State.BROKEN_OFF:
        found.append(
            error(
                "upkeep-broken-off",
                f"{fare.task}: the last run was broken off: its runner is gone",
                hint="SQL and built-ins are repeated by the next runner, commands are not: "
                f"repot upkeep run {fare.task}",
                object=fare.task,
            )
        )
    if fare.overdue is not None:
        found.append(
            error(
                "upkeep-overdue",
                f"{fare.task}: nobody has run it for {fare.overdue:%Y-%m-%d %H:%M} UTC",
                hint="is a runner there? repot upkeep run does what was missed, once",
                object=fare.task,
            )
        )
    return found


def _first(entry: Entry) -> str:
    return (entry.error or "no reason was written down").splitlines()[0]
