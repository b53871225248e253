"""When the rows do not allow a key although V1's do: V1 was written to while they were copied.

Two chunks see two moments. A value that went from one row to another in between may then be in V2
twice, or not at all. The changes were captured, so applying them makes V2 what V1 is; but not
before all rows are there: a chunk that began earlier could bring back what was applied.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import psycopg

from repot.engine.apply import drain
from repot.engine.capture import FORWARD, pending
from repot.engine.session import Session
from repot.postgres.connect import Connection
from repot.stages.copy.board import Job, Later, rows_key

_ATTEMPTS = 10
_BROKEN = (
    psycopg.errors.UniqueViolation,
    psycopg.errors.ExclusionViolation,
    psycopg.errors.ForeignKeyViolation,
)


def or_later(
    session: Session, job: Job, create: Callable[[Connection], None]
) -> Callable[[Connection], None]:
    """`create`; or, where only V1's changes can be why it fails, `Later` with a job in place of
    `job` that waits for all rows, applies the changes and tries again."""

    def again(conn: Connection) -> None:
        for attempt in range(_ATTEMPTS):
            drain(conn, session.run.id, session.plan)
            try:
                create(conn)
            except _BROKEN:  # V1 goes on being written to
                if attempt == _ATTEMPTS - 1 or not _changes(session, conn):
                    raise
            else:
                return

    def work(conn: Connection) -> None:
        try:
            create(conn)
        except _BROKEN:
            if not _changes(session, conn):
                raise
            rows = {rows_key(move.name) for move in session.plan.moves}
            raise Later(
                replace(job, work=again, needs=job.needs | rows, alone=job.alone | {"settle"})
            ) from None

    return work


def _changes(session: Session, conn: Connection) -> int:
    return sum(pending(conn, session.run.id, FORWARD).values())
