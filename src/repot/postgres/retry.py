"""Short lock waits, again and again: a waiting lock stops everybody behind it (trap 5)."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from psycopg import errors, sql

from repot.model.errors import Refused
from repot.postgres.connect import Connection

T = TypeVar("T")

GIVE_WAY_MS = 300
_FIRST_MS = 40

_AGAIN = (errors.LockNotAvailable, errors.DeadlockDetected)


def with_lock_retries(
    conn: Connection,
    body: Callable[[int], T],
    *,
    lock_timeout_ms: int = 500,
    retries: int = 30,
    what: str = "the locks",
) -> T:
    """Run `body(attempt)` in one transaction with a short lock_timeout, until the locks are had.

    Waits between attempts grow to two seconds, with jitter: two waiters must not march in step.
    lock_timeout_ms: at most; short at first, and never so long that the server would look for a
    cycle of waits (deadlock_timeout): it might end the application's side.
    Raises Refused `lock-timeout` after `retries` repeats, naming who is in the way.
    """
    longest = min(lock_timeout_ms, GIVE_WAY_MS // 2)  # the body may want several locks
    for attempt in range(retries + 1):
        try:
            with conn.transaction():
                conn.execute(
                    sql.SQL("set local lock_timeout = {}").format(
                        sql.Literal(min(longest, int(_FIRST_MS * 1.5**attempt)))
                    )
                )
                return body(attempt)
        except _AGAIN:
            if attempt == retries:
                break
            time.sleep(random.uniform(0.5, 1.0) * min(2.0, 0.05 * 2**attempt))
    raise Refused(
        "lock-timeout",
        f"{what} could not be had in {retries + 1} tries of up to {longest} ms",
        evidence=blockers(conn),
        hint="end the long transactions named here, or try in a quieter hour",
    )


def blockers(conn: Connection) -> str:
    """The oldest open transactions of this database: process, age, state and application."""
    rows = conn.execute(
        "select pid, application_name, state,"
        " round(extract(epoch from clock_timestamp() - xact_start)::numeric, 1)"
        " from pg_catalog.pg_stat_activity where datname = current_database()"
        " and pid <> pg_backend_pid() and xact_start is not null order by xact_start limit 5"
    ).fetchall()
    if not rows:
        return "no open transaction is to be seen now"
    return "; ".join(f"pid {p} ({a or 'no name'}, {s}, open for {age} s)" for p, a, s, age in rows)
