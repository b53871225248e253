"""Questions to the database: nothing is written, no lock is kept, nothing is waited for long."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import IsolationLevel, errors, sql
from psycopg.pq import TransactionStatus

from repot.model.catalog import Catalog
from repot.postgres.catalog import read_catalog
from repot.postgres.connect import Connection

Row = tuple[Any, ...]
LOCK_MS = 300
STATEMENT_MS = 60_000
_TRIES = 5


class Unknown(Exception):
    """It cannot be told what the rows would be at this point of the files: nothing is said."""


class Reader:
    """Asks within one read-only snapshot.

    unread: what could not be looked at, and why (no right, a lock, too long).
    """

    def __init__(self, conn: Connection) -> None:
        self._conn = conn
        self.unread: dict[str, str] = {}

    @property
    def version(self) -> int:
        """The server's major version."""
        return self._conn.info.server_version // 10000

    def rows(
        self,
        query: sql.Composed | bytes,
        given: Sequence[object] | Mapping[str, object] | None = None,
        *,
        about: str = "",
    ) -> list[Row]:
        """The answer. Each question is a savepoint that is rolled back: its locks are free again.

        about: the table meant, for what could not be read. Raises Unknown.
        """
        with self._asking(about):
            return self._conn.execute(query, given).fetchall()

    def do(self, body: sql.Composed, setting: str, *, about: str = "") -> str:
        """Run a block of PL/pgSQL that leaves its answer in a setting. Raises Unknown."""
        block = sql.SQL("do {}").format(sql.Literal(body.as_string(self._conn)))
        with self._asking(about):
            self._conn.execute(block)
            row = self._conn.execute(
                "select pg_catalog.current_setting(%s, true)", (setting,)
            ).fetchone()
        return str(row[0]) if row and row[0] is not None else ""

    @contextmanager
    def _asking(self, about: str) -> Iterator[None]:
        """Within a savepoint that is rolled back; what cannot be told is Unknown."""
        try:
            with self._conn.transaction(force_rollback=True):
                yield
        except (errors.InsufficientPrivilege, errors.QueryCanceled, errors.LockNotAvailable) as no:
            self.unread.setdefault(about or "a table", str(no.diag.message_primary or no))
            raise Unknown(str(no)) from no
        except psycopg.OperationalError:
            raise
        except psycopg.Error as failed:
            raise Unknown(str(failed)) from failed

    def catalog(self, schemas: Sequence[str]) -> Catalog:
        """The tables of the schemas; tried again while somebody alters one. Raises Unknown."""
        for left in reversed(range(_TRIES)):
            try:
                with self._conn.transaction(force_rollback=True):
                    return read_catalog(self._conn, schemas)
            except (errors.QueryCanceled, errors.LockNotAvailable) as no:
                if not left:
                    self.unread["the catalogs"] = str(no.diag.message_primary or no)
                    raise Unknown(str(no)) from no
        raise AssertionError("unreachable")

    def text(self, query: sql.Composable) -> str:
        """The query as text, for the parser."""
        return query.as_string(self._conn)

    def use_path(self, path: str) -> None:
        """From here on, unqualified names mean what they mean to the files."""
        self._conn.execute("select pg_catalog.set_config('search_path', %s, true)", (path,))


@contextmanager
def reading(conn: Connection, timeout_ms: int = STATEMENT_MS) -> Iterator[Reader]:
    """A read-only transaction on one snapshot, which is rolled back; `conn` is idle.

    timeout_ms: for each question; locks are waited for 300 ms.
    """
    assert conn.info.transaction_status == TransactionStatus.IDLE
    before = conn.isolation_level, conn.read_only
    conn.isolation_level, conn.read_only = IsolationLevel.REPEATABLE_READ, True
    try:
        with conn.transaction(force_rollback=True):
            settings = {
                "statement_timeout": str(timeout_ms),
                "lock_timeout": str(LOCK_MS),
                "search_path": "",  # the catalogs print every name in full
                "row_security": "off",  # rows that a policy hides are an error, not nothing
            }
            for name, value in settings.items():
                conn.execute("select pg_catalog.set_config(%s, %s, true)", (name, value))
            yield Reader(conn)
    finally:
        if not conn.closed:
            conn.isolation_level, conn.read_only = before
