"""Prepared statements: planned once, and such that outlive DDL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg import sql

from repot.postgres.connect import Connection

_ONCE = sql.SQL("set {0} jit = off; set {0} plan_cache_mode = force_generic_plan")


def plan_once(conn: Connection, *, local: bool = False) -> None:
    """From now on in this session (local: in this transaction) what is prepared, and what functions
    do, is planned once. Nor is it compiled: that takes longer than the catalogs' queries run."""
    conn.execute(_ONCE.format(sql.SQL("local" if local else "session")))


def plan_anew(conn: Connection) -> None:
    """The end of `plan_once`."""
    conn.execute("reset jit; reset plan_cache_mode")


@contextmanager
def kept(conn: Connection) -> Iterator[None]:
    """In the block nothing is prepared, and what has been stays so.

    The driver forgets all of it after an ALTER or a DROP. Whoever asks the catalogs again after his
    own DDL, while others wait, would have each question planned anew.
    """
    threshold, conn.prepare_threshold = conn.prepare_threshold, None
    try:
        yield
    finally:
        conn.prepare_threshold = threshold
