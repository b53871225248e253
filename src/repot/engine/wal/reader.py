"""The connection that reads the WAL while another one holds the locks of a switch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg import sql

from repot.engine.session import Session
from repot.engine.wal.pump import catch_up
from repot.engine.wal.standing import LOST
from repot.model.errors import RepotError
from repot.postgres.connect import Connection


@contextmanager
def reader(session: Session, stage: str, *, tolerant: bool = False) -> Iterator[Connection | None]:
    """Opened, and with little left to be read, before anybody waits; None where the plan captures
    nothing from the WAL. It gives up where another reader is at it for too long.

    tolerant: None where changes were lost, too. Else raises RepotError `wal-slot-lost`.
    """
    plan = session.plan
    if not plan.capture.wal:
        yield None
        return
    with session.connect(f"repot {stage}") as conn:
        try:
            catch_up(conn, session.run.id, plan)
        except RepotError as lost:
            if not tolerant or lost.code != LOST:
                raise
            session.progress.say(f"{lost.message}: {lost.evidence}")
            yield None
            return
        conn.execute(
            sql.SQL("set lock_timeout = {}").format(sql.Literal(plan.cutover.lock_timeout_ms))
        )
        yield conn
