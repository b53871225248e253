"""A statement of which nothing stays if it fails, in one round trip."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql

from repot.postgres.connect import Connection

_BEGIN = sql.SQL("savepoint repot_at_once; {}; release savepoint repot_at_once")
_UNDO = "rollback to savepoint repot_at_once; release savepoint repot_at_once"


def at_once(conn: Connection, statements: sql.Composable) -> psycopg.Cursor[tuple[Any, ...]]:
    """Run them in the present transaction; the cursor stands at the result of the first.

    Where one raises psycopg.Error the transaction is as it was before, and can go on (unless the
    connection is gone).
    """
    try:
        cursor = conn.execute(_BEGIN.format(statements))
    except psycopg.Error:
        if not conn.closed:
            conn.execute(_UNDO)
        raise
    cursor.nextset()
    return cursor
