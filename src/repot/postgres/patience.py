"""Questions about tables that somebody may be emptying or altering just now.

A TRUNCATE waits for all who have looked at the table in an open transaction, and everybody behind
it waits, too. If one connection of ours has looked and another one waits, nobody sees that we wait
for ourselves. So a question keeps no lock once it is answered; and it never waits long enough for
the server to find a cycle of waits (deadlock_timeout), as it might end the application's side.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from threading import Event
from typing import TypeVar

from psycopg import errors, sql

from repot.model.errors import Refused
from repot.postgres.connect import Connection
from repot.postgres.retry import GIVE_WAY_MS, blockers

T = TypeVar("T")

PATIENCE = 120.0  # seconds that one question may be put off
IN_THE_WAY = (errors.LockNotAvailable, errors.DeadlockDetected)


class Patience:
    """How long to go on trying, in seconds; `stopped` ends it at once."""

    def __init__(self, what: str, stopped: Event | None = None, seconds: float = PATIENCE) -> None:
        self._what, self._stopped, self._seconds = what, stopped or Event(), seconds
        self._end = time.monotonic() + seconds

    def wait(self, conn: Connection) -> None:
        """Before the next try. Raises Refused `lock-timeout` when it has come to its end."""
        over = time.monotonic() > self._end
        if over or self._stopped.wait(random.uniform(0.01, 0.15)):
            raise Refused(
                "lock-timeout",
                f"{self._what} waits for locks of others for more than {self._seconds:g} s",
                evidence=blockers(conn),
                hint="end the long transactions named here, or try in a quieter hour",
            )


def give_way(conn: Connection, after_ms: int = GIVE_WAY_MS) -> None:
    """In the present transaction a lock is waited for only shortly."""
    conn.execute(sql.SQL("set local lock_timeout = {}").format(sql.Literal(after_ms)))


def patiently(conn: Connection, do: Callable[[], T], what: str) -> T:
    """`do()` in a transaction that gives way to others, again and again. Raises Refused
    `lock-timeout`."""

    def once() -> T:
        with conn.transaction():
            give_way(conn)
            return do()

    return _again(conn, once, Patience(what))


def patiently_apart(conn: Connection, do: Callable[[], T], what: str) -> T:
    """The same of what makes transactions of its own. Raises Refused `lock-timeout`."""
    conn.execute(sql.SQL("set lock_timeout = {}").format(sql.Literal(GIVE_WAY_MS)))
    done = _again(conn, do, Patience(what))
    conn.execute("set lock_timeout = 0")
    return done


def without_trace(
    conn: Connection, ask: Callable[[], T], what: str, stopped: Event | None = None
) -> T:
    """`ask()` in a savepoint that is rolled back whatever comes of it, so that its locks are free.

    Raises Refused `lock-timeout`.
    """

    def once() -> T:
        with conn.transaction(force_rollback=True):
            give_way(conn)
            return ask()

    return _again(conn, once, Patience(what, stopped))


def _again(conn: Connection, once: Callable[[], T], patience: Patience) -> T:
    while True:
        try:
            return once()
        except IN_THE_WAY:
            patience.wait(conn)
