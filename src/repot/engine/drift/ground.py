"""What a run stands on, noted by identity when it was made: names can come back, identities not.

A column dropped and added again, or two that have exchanged their names, look the same by name; a
view that a move reads, or a function that it calls, is no table at all.
"""

from __future__ import annotations

from repot.engine.drift.sql import load
from repot.moves.install import VIEW_SCHEMAS
from repot.postgres.connect import Connection


def ensure(conn: Connection) -> None:
    """Create repot.ddl and repot.ground where they are not there; may be called at any time."""
    if _yes(conn, load("ready.sql")):
        return
    with conn.transaction():
        # Two at once would both see nothing, and one would fail.
        conn.execute("select pg_advisory_xact_lock(hashtextextended('repot.state', 0))")
        conn.execute(load("tables.sql").encode())


def note(conn: Connection, run_id: int) -> None:
    """Note what the run stands on now, instead of what was noted before.

    Best called in the transaction that makes the run's views and triggers: what is changed before
    it is called cannot be told by identity.
    """
    ensure(conn)
    with conn.transaction():
        conn.execute("delete from repot.ground where run = %s", (run_id,))
        conn.execute(load("note.sql").encode(), {"run": run_id, "views": list(VIEW_SCHEMAS)})


def note_once(conn: Connection, run_id: int) -> None:
    """The same, unless it is noted for this build of the run already."""
    ensure(conn)
    if not _yes(conn, load("noted.sql"), {"run": run_id}):
        note(conn, run_id)


def _yes(conn: Connection, query: str, params: dict[str, object] | None = None) -> bool:
    row = conn.execute(query.encode(), params).fetchone()
    return bool(row and row[0])
