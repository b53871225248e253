"""Putting one key, index or foreign key back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg

from repot.engine.deferred import Deferred, put_back
from repot.engine.session import Session
from repot.model.errors import RepotError
from repot.model.names import quoted
from repot.postgres.connect import Connection
from repot.postgres.retry import with_lock_retries
from repot.stages.copy.board import Job
from repot.stages.copy.settle import or_later

_TITLE = {
    "index": "index",
    "key": "key",
    "foreign_key": "foreign key",
    "validate": "foreign key",
    "trigger": "trigger",
}


def put_back_work(session: Session, item: Deferred, job: Job) -> Callable[[Connection], None]:
    """The work of `job`: create the object and note it. Raises RepotError `constraint-failed`."""

    def work(conn: Connection) -> None:
        with explained(item):
            or_later(session, job, lambda c: _create(session, item, c))(conn)

    return work


def _create(session: Session, item: Deferred, conn: Connection) -> None:
    plan = session.plan
    if item.step == "foreign_key":  # it may point to a table that is in use
        with_lock_retries(
            conn,
            lambda _attempt: put_back(conn, session.run.id, item.number),
            lock_timeout_ms=plan.cutover.lock_timeout_ms,
            retries=plan.cutover.retries,
            what=f"the tables of foreign key {item.object}",
        )
    else:
        with conn.transaction():
            put_back(conn, session.run.id, item.number)
    session.progress.advance("constraints", 1)


@contextmanager
def explained(item: Deferred) -> Iterator[None]:
    """The server's refusal of the block as RepotError `constraint-failed`."""
    try:
        yield
    except psycopg.OperationalError:
        raise  # the server or the connection, not the rows
    except psycopg.Error as failed:
        diagnosis = failed.diag
        raise RepotError(
            "constraint-failed",
            f"{_TITLE[item.step]} {quoted(item.object)} of {quoted(item.table)}: "
            f"{diagnosis.message_primary or str(failed).strip()}",
            evidence=diagnosis.message_detail or f"SQLSTATE {failed.sqlstate}",
            hint="`repot plan` lists such rows; correct the move or V1's rows, "
            "then `repot copy --restart`",
        ) from None
