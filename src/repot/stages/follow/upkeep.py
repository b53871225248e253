"""What a follower does beside applying: tells how far behind it is, and keeps the logs small."""

from __future__ import annotations

import time
from collections.abc import Callable

import psycopg
from psycopg import sql

from repot.engine import capture, todo
from repot.engine.lag import lag
from repot.engine.session import Session
from repot.model.names import Name
from repot.model.schemas import STATE
from repot.model.status import Lag
from repot.postgres.compose import ident
from repot.postgres.connect import Connection

SWEEP = 20.0  # seconds between vacuums of Repot's own busy tables
SAY = 1.0


class Upkeep:
    """Of one connection of the follower."""

    def __init__(self, session: Session, conn: Connection) -> None:
        self._session, self._conn = session, conn
        self._swept = self._said = time.monotonic()
        self.guard: Callable[[Connection], None] | None = None
        session.progress.start("follow", "Following", None, "changes")

    def look(self, direction: str) -> Lag:
        """How far behind it is, now."""
        found = lag(self._conn, self._session.run.id, direction)
        if time.monotonic() - self._said > SAY:
            self._said = time.monotonic()
            way = "V1 → V2" if direction == todo.FORWARD else "V2 → V1"
            self._session.progress.note(
                "follow", f"{way}: {found.waiting:,} waiting, {found.seconds:,.1f} s behind"
            )
        if time.monotonic() - self._swept > SWEEP:
            self._sweep(direction)
            self._swept = time.monotonic()
        return found

    def did(self, changes: int) -> None:
        """So many changes were applied."""
        self._session.progress.advance("follow", changes)

    def finish(self) -> None:
        self._session.progress.finish("follow")

    def _sweep(self, direction: str) -> None:
        """Rows come and go in the logs faster than autovacuum looks at them."""
        run = self._session.run.id
        tables = [c.log for c in capture.read(self._conn, run, direction)]
        for t in todo.read(self._conn, run, direction).values():
            tables += [t.table, t.touched] if direction == todo.FORWARD else [t.table]
        tables.append(Name(schema_=STATE, name="own_transaction"))
        for table in tables:
            try:
                self._conn.execute(sql.SQL("vacuum (truncate false) {}").format(ident(table)))
            except (psycopg.errors.UndefinedTable, psycopg.errors.InsufficientPrivilege):
                return  # the run has moved on; or another role made the tables, and sweeps them
