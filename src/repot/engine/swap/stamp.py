"""Whether the catalogs are still as they were when a switch was laid out."""

from __future__ import annotations

from repot.engine.swap.sql import load
from repot.postgres.connect import Connection


def stamp(conn: Connection) -> str:
    """A text that is the same only where, in one transaction that has a number (READ COMMITTED),
    nobody has changed the catalogs between two calls, as far as a switch reads them. A few
    milliseconds; it locks no table but catalogs."""
    row = conn.execute(load("stamp.sql"), prepare=True).fetchone()
    assert row is not None
    return str(row[0])
