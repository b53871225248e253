"""Connections of upkeep: they act as the role that owns upkeep's schema, whoever connects."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg import errors, sql

from repot.model.errors import Refused
from repot.postgres.connect import Connection, connect


def open_session(dsn: str) -> Connection:
    """A connection in autocommit. Tasks run as the role that installed upkeep, so it becomes that.

    Raises RepotError `connection-failed`, Refused `upkeep-other-role`.
    """
    conn = connect(dsn, application="repot upkeep")
    try:
        _become_owner(conn)
    except BaseException:
        conn.close()
        raise
    return conn


@contextmanager
def session(dsn: str) -> Iterator[Connection]:
    """`open_session` that closes what it opened."""
    conn = open_session(dsn)
    try:
        yield conn
    finally:
        conn.close()


def _become_owner(conn: Connection) -> None:
    row = conn.execute(
        "select pg_get_userbyid(nspowner), pg_get_userbyid(nspowner) = current_user"
        " from pg_namespace where nspname = 'repot_upkeep'"
    ).fetchone()
    if row is None or row[1]:
        return
    owner = str(row[0])
    try:
        conn.execute(sql.SQL("set role {}").format(sql.Identifier(owner)))
    except errors.InsufficientPrivilege:
        raise Refused(
            "upkeep-other-role",
            f"the tasks of this database run as the role {owner}, and this role is no member of it",
            hint=f"connect as {owner}, or let a superuser grant its membership",
        ) from None
