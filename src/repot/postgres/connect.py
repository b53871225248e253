"""Connections with settings under which the same question has the same answer everywhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg.conninfo import conninfo_to_dict

from repot.model.errors import RepotError, UsageError

Connection = psycopg.Connection[tuple[object, ...]]

# An empty search_path makes the catalogs print every name in full; row_security off turns rows that
# a policy would hide from the copier into an error (trap 14).
_SETTINGS = {
    "search_path": "",
    "row_security": "off",
    "TimeZone": "UTC",
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "postgres",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "lock_timeout": "0",
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "client_min_messages": "warning",
    "standard_conforming_strings": "on",
    "default_transaction_isolation": "read committed",
    "default_transaction_read_only": "off",
}


def connect(dsn: str, *, application: str = "repot", autocommit: bool = True) -> Connection:
    """A connection to `dsn` (a libpq URI or conninfo; empty: libpq's own environment).

    Raises RepotError `connection-failed`, whose text never holds a password.
    """
    try:
        conn: Connection = psycopg.connect(
            dsn,
            autocommit=True,
            application_name=application,
            client_encoding="UTF8",
            connect_timeout=15,
            keepalives_idle=30,
            prepare_threshold=None,
        )
    except psycopg.ProgrammingError as wrong:
        raise UsageError(
            "connection-string",
            "the connection string cannot be read",
            hint="give a URI like postgresql://user@host:5432/database, or use PGHOST, PGSERVICE …",
        ) from wrong
    except psycopg.OperationalError as failed:
        raise RepotError(
            "connection-failed",
            "no connection to the database",
            evidence=without_password(str(failed), dsn),
            hint="check --database, DATABASE_URL or the PG* variables; "
            "`psql` with the same values must connect",
        ) from None
    conn.execute(
        "select pg_catalog.set_config(s, v, false) from unnest(%s::text[], %s::text[]) as t(s, v)",
        (list(_SETTINGS), list(_SETTINGS.values())),
    )
    conn.autocommit = autocommit
    return conn


@contextmanager
def connection(dsn: str, *, application: str = "repot") -> Iterator[Connection]:
    """`connect` that closes what it opened; in autocommit."""
    conn = connect(dsn, application=application)
    try:
        yield conn
    finally:
        conn.close()


@contextmanager
def one_snapshot(conn: Connection) -> Iterator[None]:
    """Transactions that begin in here are REPEATABLE READ."""
    conn.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    try:
        yield
    finally:
        conn.isolation_level = None


def without_password(text: str, dsn: str) -> str:
    """`text` with the password of `dsn`, if it has one, masked."""
    try:
        password = conninfo_to_dict(dsn).get("password")
    except psycopg.ProgrammingError:
        return text.replace(dsn, "***")
    return text.replace(str(password), "***") if password else text
