"""Migrations that failed half-way: Prisma's history, Repot's own notes, the folder itself."""

from __future__ import annotations

from collections.abc import Iterator

from psycopg import sql

from repot.doctor.sql import load
from repot.doctor.visit import Visit, error, warning
from repot.folder.attempts import Attempt, attempts
from repot.folder.history import Own
from repot.folder.standing import look
from repot.model.doctor import Trouble
from repot.model.finding import Finding, Severity
from repot.model.folder import Layout
from repot.postgres.compose import trusted

_LENGTH = 200


def histories(visit: Visit) -> Iterator[Trouble]:
    """Rows that say that a migration was begun, and not that it ended."""
    if visit.migrations is not None and visit.migrations.folder.layout is Layout.PRISMA:
        return  # told of the folder, with its files
    for row in visit.rows("histories.sql"):
        table = sql.Identifier(row["schema"], "_prisma_migrations")
        text = load("unfinished.sql").replace("%%", "%")
        for name, since, said in visit.conn.execute(trusted(text).format(table=table)).fetchall():
            yield error(
                "migration-unfinished",
                f"the migration {name} was begun on {since} UTC and neither ended nor was it given "
                "up: nothing is deployed after it" + (f" ({str(said)[:_LENGTH]})" if said else ""),
                hint="see what of it is in the database; put right what it failed on, and say so",
                next=f"repot migrate resolve --rolled-back {name}  # or --applied {name}",
                object=str(name),
            )


def notes(visit: Visit) -> Iterator[Trouble]:
    """Attempts of Repot's own that stopped."""
    known = visit.migrations.folder.layout if visit.migrations is not None else None
    for layout in Layout:
        if layout is known:
            continue
        last: dict[str, Attempt] = {}
        for attempt in attempts(Own(visit.conn, layout).events()).values():
            last[attempt.migration] = attempt
        for attempt in last.values():
            if attempt.ended is None and not attempt.alive:
                yield _stopped(attempt)


def _stopped(attempt: Attempt) -> Trouble:
    when = f"{attempt.at:%Y-%m-%d %H:%M:%S} UTC by {attempt.who}"
    if attempt.failed is not None:
        first = next((s for s in attempt.failed.splitlines() if s.startswith("ERROR")), "")
        return error(
            "migration-failed-half-way",
            f"the migration {attempt.migration}, begun {when}, failed after {attempt.done} "
            "statements" + (f" ({first[:_LENGTH]})" if first else ""),
            hint="put right what it failed on, then let deploy go on, or say what became of it",
            next="repot migrate status",
            object=attempt.migration,
        )
    return warning(
        "migration-interrupted",
        f"the migration {attempt.migration}, begun {when}, was broken off after {attempt.done} "
        "statements",
        hint="deploy goes on where it stopped",
        next="repot migrate deploy",
        object=attempt.migration,
    )


def folder(visit: Visit) -> Iterator[Trouble]:
    """Where the folder and the history disagree: failed, edited, out of order, gone."""
    if visit.migrations is None:
        return
    for finding in look(visit.conn, visit.migrations).findings:
        if finding.severity is not Severity.INFO:
            yield _of(finding, str(visit.migrations.folder.path))


def _of(finding: Finding, path: str) -> Trouble:
    told = {"next": f"repot migrate status {path}"}
    return Trouble.model_validate({**finding.model_dump(), **told})
