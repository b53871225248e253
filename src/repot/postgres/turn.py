"""One at a time: locks of a session, which go with its connection however that ends."""

from __future__ import annotations

import time

from repot.postgres.connect import Connection

# The server notices a moment later that a connection was closed: the command before this one may
# have ended already, and its lock be there still.
MOMENT_S = 1.0
_AGAIN_S = 0.02


def take_turn(conn: Connection, what: str, run_id: int, seconds: float = MOMENT_S) -> bool:
    """Take the session's lock `what` of the run; false where another session keeps it for longer
    than `seconds`."""
    until = time.monotonic() + seconds
    while True:
        row = conn.execute(
            "select pg_catalog.pg_try_advisory_lock(pg_catalog.hashtextextended(%s, %s))",
            (what, run_id),
        ).fetchone()
        if row and row[0]:
            return True
        if time.monotonic() > until:
            return False
        time.sleep(_AGAIN_S)
