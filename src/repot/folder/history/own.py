"""What Repot knows of migrations beyond their tool's own table: who, when, how long, how far."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from psycopg.types.json import Jsonb

from repot.folder.client import client
from repot.folder.history.sql import load
from repot.folder.schemas import lacks
from repot.model.base import Value
from repot.model.folder import Layout
from repot.postgres.connect import Connection


class Kind(StrEnum):
    """What an event says."""

    STARTED = "started"
    REACHED = "reached"  # a statement that is no part of a transaction is about to run
    DONE = "done"  # all statements up to this one are done
    APPLIED = "applied"
    FAILED = "failed"
    CANCELLED = "cancelled"  # by the user, and rolled back whole
    GIVEN_UP = "given up"  # an attempt that left nothing, or that another one goes on from
    RESOLVED_APPLIED = "resolved applied"
    RESOLVED_ROLLED_BACK = "resolved rolled back"
    UNDONE = "undone"  # it was applied, and its way back has run


class Event(Value):
    """One row; `alive` only where the session that began an attempt is still there."""

    at: datetime
    kind: Kind
    migration: str
    attempt: str
    who: str
    client: str | None
    pid: int
    mode: str | None
    statement: int | None
    duration_ms: float | None
    checksum: str | None
    prefix: str | None
    fingerprint: str | None
    detail: dict[str, object]
    alive: bool


class Own:
    """The table repot.migration_event, append-only by a trigger."""

    def __init__(self, conn: Connection, layout: Layout) -> None:
        self._conn, self._layout = conn, layout

    def exists(self) -> bool:
        row = self._conn.execute(
            "select pg_catalog.to_regclass('repot.migration_event') is not null"
        ).fetchone()
        return bool(row and row[0])

    def ensure(self) -> None:
        """Create what is missing, within the schema repot as other verbs may have made it.

        Refused `no-right`.
        """
        if self.exists():
            return
        ensure_schema(self._conn)
        with self._conn.transaction():
            row = self._conn.execute(
                "select pg_catalog.to_regprocedure('repot.append_only()') is null"
            ).fetchone()
            if row and row[0]:
                self._conn.execute(load("own_function.sql").encode())
            self._conn.execute(load("own.sql").encode())

    def events(self) -> tuple[Event, ...]:
        """All of this layout, oldest first."""
        if not self.exists():
            return ()
        rows = self._conn.execute(
            load("own_read.sql").encode(), {"layout": self._layout.value}
        ).fetchall()
        return tuple(
            Event.model_validate(dict(zip(Event.model_fields, row, strict=True))) for row in rows
        )

    def note(
        self,
        kind: Kind,
        migration: str,
        attempt: str,
        *,
        mode: str | None = None,
        statement: int | None = None,
        duration_ms: float | None = None,
        checksum: str | None = None,
        prefix: str | None = None,
        fingerprint: str | None = None,
        detail: dict[str, object] | None = None,
    ) -> None:
        """Add one, in the transaction of what it says."""
        self._conn.execute(
            load("own_note.sql").encode(),
            {
                "kind": kind.value,
                "layout": self._layout.value,
                "migration": migration,
                "attempt": attempt,
                "client": client(),
                "mode": mode,
                "statement": statement,
                "duration_ms": duration_ms,
                "checksum": checksum,
                "prefix": prefix,
                "fingerprint": fingerprint,
                "detail": Jsonb(detail or {}),
            },
        )


def ensure_schema(conn: Connection) -> None:
    """The schema repot, if it is not there. Refused `no-right`."""
    use = "where Repot keeps its notes"
    hint = "as the owner of the database: CREATE SCHEMA repot AUTHORIZATION …"
    if lacks(conn, "repot", use, hint):
        conn.execute("create schema repot")
