"""A plain runner of migrations: what a team has without Repot. It looks at nothing beforehand."""

from __future__ import annotations

import hashlib
import uuid
from pathlib import Path
from typing import Any

import psycopg

from repot.demo.sql import load

Connection = psycopg.Connection[Any]


class PlainFailure(Exception):
    """A migration failed, or one that failed earlier stands in the way.

    name: which; the message is the server's own.
    """

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


def baseline(dsn: str, name: str, text: str) -> None:
    """Note a migration as applied without running it."""
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute(load("plain_history.sql").encode())
        _finish(conn, _begin(conn, name, text))


def run_plainly(dsn: str, folder: Path) -> list[str]:
    """Send each pending file of a Prisma folder whole, in the order of names; gives their names.

    Each file is one simple query, and the history is written as Prisma writes it. Raises
    PlainFailure at the first file that fails, which stays noted as failed.
    """
    done = []
    with psycopg.connect(dsn, autocommit=True, application_name="plain runner") as conn:
        conn.execute(load("plain_history.sql").encode())
        standing = _standing(conn)
        for name, finished in standing.items():
            if not finished:
                raise PlainFailure(name, "a migration failed before; no others will be applied")
        for file in sorted(folder.glob("*/migration.sql")):
            name, text = file.parent.name, file.read_text(encoding="utf-8")
            if name in standing:
                continue
            row = _begin(conn, name, text)
            try:
                conn.execute(text.encode())
            except psycopg.Error as error:
                conn.execute(load("plain_fail.sql").encode(), {"id": row, "logs": str(error)})
                raise PlainFailure(name, str(error).splitlines()[0]) from error
            _finish(conn, row)
            done.append(name)
    return done


def failed(dsn: str) -> list[str]:
    """The migrations that began and neither finished nor were rolled back."""
    with psycopg.connect(dsn, autocommit=True) as conn:
        return [name for name, finished in _standing(conn).items() if not finished]


def _standing(conn: Connection) -> dict[str, bool]:
    """Name → whether it is applied, of all that are not rolled back."""
    return dict(conn.execute(load("plain_standing.sql").encode()).fetchall())


def _begin(conn: Connection, name: str, text: str) -> str:
    row = str(uuid.uuid4())
    checksum = hashlib.sha256(text.encode()).hexdigest()
    given = {"id": row, "checksum": checksum, "name": name}
    conn.execute(load("plain_begin.sql").encode(), given)
    return row


def _finish(conn: Connection, row: str) -> None:
    conn.execute(load("plain_finish.sql").encode(), {"id": row})
