"""The connection that reads the WAL while another one holds the locks of a switch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg import sql

from repot.engine.session import Session
from repot.engine.wal.pump import catch_up
from repot.postgres.connect import Connection


@contextmanager
def reader(session: Session, stage: str) -> Iterator[Connection | None]:
    """Opened, and with little left to be read, before anybody waits; None where the plan captures
    nothing from the WAL. It gives up where another reader is at it for too long."""
    plan = session.plan
    if not plan.capture.wal:
        yield None
        return
    with session.connect(f"repot {stage}") as conn:
        catch_up(conn, session.run.id, plan)
        conn.execute(
            sql.SQL("set lock_timeout = {}").format(sql.Literal(plan.cutover.lock_timeout_ms))
        )
        yield conn
