"""One connection of the application, and what its errors mean."""

from __future__ import annotations

import time
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from .statements import WRITES
from .waits import Waits

# A transaction that got one of these was rolled back, for no fault of its own.
AGAIN = frozenset({"40001", "40P01", "55P03", "57014"})
# What a prepared statement may say whose tables are others now: only a new connection helps.
STALE = frozenset({"0A000", "26000", "42804", "42P18", "22P03"})
# A name that is not there: the other schema serves, or did when the statement ran.
ABSENT = frozenset({"42P01", "42703", "42883", "42704", "3F000"})


class WrongCount(Exception):
    """A statement touched another number of rows than the writer knows to be there."""

    def __init__(self, name: str, expected: int, found: int) -> None:
        super().__init__(f"{name} touched {found} rows instead of {expected}")


class Undecided(Exception):
    """Neither V1 nor V2 is there, or both."""


class Session:
    """A connection in autocommit mode whose every statement is timed.

    `prepared`: server-side prepared statements in the extended protocol; else the simple protocol.
    `dialect` is the one that served when last looked.
    """

    def __init__(
        self, dsn: str, schema: str, waits: Waits, *, prepared: bool, name: str = "traffic"
    ) -> None:
        self._dsn, self._schema, self._name = dsn, schema, name
        self.prepared, self.waits, self.dialect = prepared, waits, 0
        self._conn: psycopg.Connection[Any] | None = None

    @property
    def alive(self) -> bool:
        return self._conn is not None and not self._conn.closed

    @property
    def connection(self) -> psycopg.Connection[Any]:
        assert self._conn is not None
        return self._conn

    def connect(self) -> None:
        """A new connection; looks which dialect serves. Raises psycopg.OperationalError."""
        self.close()
        begin = time.monotonic()
        try:
            self._conn = psycopg.connect(
                make_conninfo(self._dsn, connect_timeout=10, application_name=self._name),
                autocommit=True,
                prepare_threshold=0 if self.prepared else None,
                cursor_factory=psycopg.Cursor if self.prepared else psycopg.ClientCursor,
            )
        finally:
            self.waits.note(begin, time.monotonic())
        self._conn.prepared_max = 500
        self.execute(WRITES[1]["search_path"], {"schema": self._schema, "local": False})
        self.look()

    def close(self) -> None:
        if self._conn is not None:
            self._conn.close()
        self._conn = None

    def look(self) -> bool:
        """Find out which dialect serves; whether that is news. Raises Undecided."""
        row = self.execute(WRITES[1]["dialect"], {}).fetchone()
        assert row is not None
        if row[0] == row[1]:
            raise Undecided("neither V1 nor V2 serves" if not row[0] else "V1 and V2 both serve")
        before, self.dialect = self.dialect, 1 if row[0] else 2
        return before != self.dialect

    def run(self, name: str, given: dict[str, Any], rows: int | None = None) -> None:
        """A statement of the dialect that served last. Raises WrongCount, psycopg.Error."""
        found = self.execute(WRITES[self.dialect][name], given).rowcount
        if rows is not None and found != rows:
            raise WrongCount(name, rows, found)

    def begin(self) -> None:
        self.execute("begin", None, prepare=False)

    def commit(self) -> None:
        """Raises WrongCount if the server rolled back instead."""
        said = self.execute("commit", None, prepare=False).statusmessage
        if said != "COMMIT":
            raise WrongCount(f"commit ({said})", 1, 0)

    def rollback(self) -> None:
        """End the transaction, if there is one."""
        if self.alive and self.connection.info.transaction_status.name != "IDLE":
            self.execute("rollback", None, prepare=False)

    def execute(
        self, text: str, given: dict[str, Any] | None, *, prepare: bool | None = None
    ) -> psycopg.Cursor[Any]:
        begin = time.monotonic()
        try:
            return self.connection.execute(text, given, prepare=prepare)
        finally:
            self.waits.note(begin, time.monotonic())


def described(error: Exception, dsn: str) -> str:
    """An error in one line, without the password of `dsn`."""
    text = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, psycopg.Error) and error.sqlstate:
        text = f"{error.sqlstate} {text}"
    try:
        password = conninfo_to_dict(dsn).get("password")
    except psycopg.ProgrammingError:
        return text.replace(dsn, "***")
    return text.replace(str(password), "***") if password else text
