"""What became of a transaction whose COMMIT was lost on the wire (trap 7)."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing

import psycopg
from psycopg import errors

from repot.model.errors import RepotError
from repot.postgres.connect import Connection

# Asked after the transaction has ended: True where its work is there, False where not.
Truth = Callable[[Connection], bool]

WAIT_S = 60.0  # for the server to come back, and for the transaction to end
_POLL_S = 0.2


def committed(
    reach: Callable[[], Connection], xid: str, truth: Truth, wait_s: float
) -> bool | None:
    """Whether transaction `xid` was committed; None where the server cannot be asked in `wait_s`
    seconds. reach: opens a connection, anew for each look.

    The backend may still be working on a COMMIT whose client has gone: its transaction's status is
    looked at first. The status alone does not decide (after a failover the number may be that of
    another): who owns the names does.
    """
    until = time.monotonic() + wait_s
    while True:
        try:
            with closing(reach()) as conn:
                if ended(conn, xid):
                    return truth(conn)
        except psycopg.OperationalError:
            pass
        except RepotError as failed:
            if failed.code != "connection-failed":
                raise
        if time.monotonic() > until:
            return None
        time.sleep(_POLL_S)


def ended(conn: Connection, xid: str) -> bool:
    """Whether the transaction is over, either way."""
    try:
        row = conn.execute("select pg_catalog.pg_xact_status(%s::xid8)", (xid,)).fetchone()
    except errors.InvalidParameterValue:
        return True  # in the future: a crash has forgotten it
    return row is None or row[0] != "in progress"
