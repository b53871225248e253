"""One deployer at a time: Prisma's advisory lock besides Repot's own, held by the session that
works, so that whoever has them lost has lost his work, too."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager

from repot.folder.session import open_session
from repot.folder.sql import load
from repot.model.errors import Refused
from repot.model.progress import Progress
from repot.postgres.connect import Connection

PRISMA = 72707369
WAIT_S = 10.0  # as Prisma


@contextmanager
def held(
    dsn: str, *, wait_s: float = WAIT_S, application: str, progress: Progress
) -> Iterator[Connection]:
    """A session that holds the locks until it is closed. Refused `deploy-busy`.

    It asks again and again rather than wait in the server: a statement that waits there holds a
    snapshot, and CREATE INDEX CONCURRENTLY of him who has the lock would wait for that.
    """
    conn = open_session(dsn, application)
    try:
        until, told = time.monotonic() + wait_s, False
        while not _taken(conn):
            if time.monotonic() >= until:
                raise _busy(conn, wait_s)
            if not told:
                progress.say(f"another deployment is at work: waiting up to {wait_s:g} s")
                told = True
            time.sleep(min(random.uniform(0.05, 0.25), max(0.0, until - time.monotonic())))
        yield conn
    finally:
        conn.close()


def _taken(conn: Connection) -> bool:
    """All of them or none."""
    row = conn.execute(load("locks_take.sql").encode(), {"prisma": PRISMA}).fetchone()
    assert row is not None
    mine, prismas = row
    if mine and not prismas:
        conn.execute(load("locks_return.sql").encode())
    return bool(mine and prismas)


def holders(conn: Connection) -> list[str]:
    """Who has one of the locks now, for people."""
    rows = conn.execute(load("locks_holders.sql").encode(), {"prisma": PRISMA}).fetchall()
    return [
        f"pid {pid} ({application or 'no name'}, role {role}, {state or 'state hidden'}"
        + (f", open for {age} s" if age is not None else "")
        + ")"
        for pid, application, role, state, age in rows
    ]


def _busy(conn: Connection, wait_s: float) -> Refused:
    found = holders(conn)
    return Refused(
        "deploy-busy",
        f"another deployment holds the lock, after {wait_s:g} s of waiting",
        evidence="\n".join(found) or "it has just ended",
        hint="let it end and try again, or wait longer (--wait SECONDS)",
    )
