"""Settings within the one transaction: the script runs as a deployment would, and Repot asks under
settings in which the same value is always the same text."""

from __future__ import annotations

from psycopg import sql

from repot.postgres.connect import Connection

_OURS = {
    "search_path": "pg_catalog",
    "row_security": "off",
    "TimeZone": "UTC",
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "postgres",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "xmlbinary": "base64",
    "statement_timeout": "0",
}


def ours(conn: Connection) -> None:
    """Before Repot asks or writes: whatever the script has set, role included."""
    conn.execute("reset session authorization")
    for name, value in _OURS.items():
        conn.execute("select pg_catalog.set_config(%s, %s, true)", (name, value))


def theirs(conn: Connection, lock_timeout_ms: int) -> None:
    """Before a script: as the role and the connection string have it."""
    conn.execute("reset session authorization")
    conn.execute("reset all")
    conn.execute(sql.SQL("set local lock_timeout = {}").format(sql.Literal(lock_timeout_ms)))
