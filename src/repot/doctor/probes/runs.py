"""Moves that do not get on: no follower, rows set aside, a proof that failed, time that is over."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from repot.doctor.visit import Visit, age, error, warning
from repot.lifecycle.evidence import last_verdict
from repot.lifecycle.status import read_status
from repot.model.doctor import Trouble
from repot.model.state import Phase, Run
from repot.model.status import Status
from repot.postgres.state import current_run, has_state, last_evidence, load_plan


def remember_tables(visit: Visit) -> None:
    """Note which tables a move keeps aside, and which a switch is going to lock."""
    if has_state(visit.conn):
        tables = visit.rows("run_tables.sql")
        visit.aside = frozenset(t["oid"] for t in tables if not t["serves"])
        visit.waited_for = frozenset(t["oid"] for t in tables if t["serves"])


def standing(visit: Visit) -> Iterator[Trouble]:
    """What holds up the newest run of each project."""
    for run, status, _ in _runs(visit):
        yield from _stuck(visit, run, status)
        if status.set_aside:
            yield error(
                "changes-set-aside",
                f"{run.project}: {status.set_aside:,} changed rows could not be carried over, and "
                "were set aside: the cutover waits for them",
                hint="the server's words are in repot.poison; mend the rows, or the move",
                next="select run, name, scope, error from repot.poison;"
                "  -- then: repot follow --once",
                count=status.set_aside,
            )
        if status.slot and status.slot.trouble:
            yield error(
                "changes-lost",
                f"{run.project}: changes were lost: {status.slot.trouble}",
                hint="what was copied can no longer be brought up to date",
                next="repot copy --restart",
            )
        if status.uncarried_unforeseen:
            yield warning(
                "rollback-loses",
                f"{run.project}: {status.uncarried_unforeseen:,} rows written on V2 have no place "
                "in V1, and the plan did not foresee them: a rollback refuses to leave them behind",
                hint="write a way back for them, or accept the loss when it comes to that",
                next="select name, key, kind from repot.uncarried where not foreseen;",
                count=status.uncarried_unforeseen,
            )


def _stuck(visit: Visit, run: Run, status: Status) -> Iterator[Trouble]:
    at_work = any("repot copy" in line for line in status.busy)
    if run.phase is Phase.COPYING and not at_work:
        yield warning(
            "copy-unfinished",
            f"{run.project}: the copy of run {run.id} is not finished, and nobody is at it",
            hint="it goes on where it stopped",
            next="repot copy",
        )
    verdict = last_verdict(visit.conn, run)
    if run.phase in (Phase.COPIED, Phase.ROLLED_BACK) and verdict and not verdict.passed:
        yield error(
            "proof-failed",
            f"{run.project}: the last proof did not pass ({'; '.join(verdict.reasons)})",
            hint="mend the move or the rows, then prove again",
            next="repot verify",
            count=verdict.differences or None,
        )
    switched = last_evidence(visit.conn, run.id, "cutover")
    if switched is not None and run.phase is Phase.CUT_OVER:
        since = switched.at
        days = load_plan(visit.conn, run).cutover.grace_days
        if datetime.now(UTC) > since + timedelta(days=days):
            yield warning(
                "grace-over",
                f"{run.project}: cut over on {since:%Y-%m-%d}, and the {days:g} days of grace are "
                "over: V1 is still kept, and every write is carried back to it",
                hint="if nobody wants to go back any more, V1 can go",
                next="repot cleanup",
            )
    changed = visit.project is not None and any(
        "files changed" in why for reasons in status.obstacles.values() for why in reasons
    )
    if changed:
        yield warning(
            "project-files-changed",
            f"{run.project}: the project's files are not those that run {run.id} was begun with",
            hint="bring them back, or begin again",
            next="repot copy --restart",
        )


def followers(visit: Visit) -> Iterator[Trouble]:
    """Changes that wait, and nobody who carries them over."""
    for run, status, follower in _runs(visit):
        lag = status.lag
        if lag is None or not lag.waiting:
            continue
        way = "V1 to V2" if lag.direction == "forward" else "V2 to V1"
        waits = f"{lag.waiting:,} changes wait to be carried from {way}, for {age(lag.seconds)}"
        if not follower:
            yield error(
                "follower-missing",
                f"{run.project}: {waits}, and no follower is at work",
                hint="it must run all the time, as a service",
                next="repot follow",
                count=lag.waiting,
                examples=tuple(f"{t}: {n:,}" for t, n in list(lag.tables.items())[:3]),
            )
        elif lag.seconds > visit.limits.lag_s:
            yield warning(
                "follower-behind",
                f"{run.project}: {waits}, although a follower is at work",
                hint="more workers, or a long transaction that it waits for",
                next="repot follow --workers 4",
                count=lag.waiting,
            )


def _runs(visit: Visit) -> Iterator[tuple[Run, Status, bool]]:
    if not has_state(visit.conn):
        return
    for row in visit.rows("runs.sql"):
        run = current_run(visit.conn, row["project"])
        if run is None or run.phase is Phase.CLEANED:
            continue
        project = visit.project
        ours = project is not None and project.name == run.project
        digest = project.digest if project and ours else None
        yield run, read_status(visit.dsn, run.project, digest), bool(row["follower"])
