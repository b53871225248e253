"""Sessions that write: transactions of random statements, some of which fail or are taken back."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import psycopg
from psycopg import sql

Statement = sql.Composable
Source = Callable[[random.Random], list[Statement]]


@dataclass
class Journal:
    """What was written since the last good comparison, and how it ended."""

    lines: list[str] = field(default_factory=list)
    committed: int = 0

    def note(self, session: int, text: str, outcome: str = "") -> None:
        self.lines.append(f"[{session}] {text}" + (f"  -- {outcome}" if outcome else ""))

    def clear(self) -> None:
        self.lines.clear()


class Session:
    """One connection's random transactions. `source` gives statements that belong together."""

    def __init__(self, dsn: str, number: int, seed: int, source: Source, journal: Journal) -> None:
        self._dsn, self._number, self._source, self._journal = dsn, number, source, journal
        self._rng = random.Random(f"{seed}/{number}")

    def work(self, transactions: int, stop: threading.Event | None = None) -> None:
        with psycopg.connect(self._dsn, autocommit=True, application_name="writer") as conn:
            conn.execute("set client_min_messages = error; set deadlock_timeout = '20ms'")
            for _ in range(transactions):
                if stop is not None and stop.is_set():
                    return
                if not self._transaction(conn):
                    return

    def _transaction(self, conn: psycopg.Connection) -> bool:
        """False: V1's names are gone, somebody has switched."""
        rng, lines = self._rng, list[str]()
        try:
            if rng.random() < 0.3:
                for statement in self._source(rng)[:1]:
                    lines.append(statement.as_string(conn))
                    conn.execute(statement)
            else:
                with conn.transaction(force_rollback=rng.random() < 0.1):
                    for _ in range(rng.randint(1, 4)):
                        self._savepoint(conn, lines)
            self._journal.committed += 1
        except psycopg.Error as failed:
            self._note(lines, f"{failed.sqlstate} {failed.diag.constraint_name or ''}")
            if failed.sqlstate in ("42P01", "3F000"):
                return False
            if not isinstance(failed, _EXPECTED):
                raise
            return True
        self._note(lines, "")
        return True

    def _savepoint(self, conn: psycopg.Connection, lines: list[str]) -> None:
        """Statements that belong together; what fails is taken back, and so is some that does not."""
        rng = self._rng
        lines.append("savepoint")
        try:
            with conn.transaction(force_rollback=rng.random() < 0.12) as inner:
                for statement in self._source(rng):
                    lines.append(statement.as_string(conn))
                    conn.execute(statement)
            if inner.force_rollback:
                lines.append("rolled back to it")
        except psycopg.IntegrityError as failed:
            lines.append(f"rolled back to it: {failed.diag.constraint_name}")

    def _note(self, lines: list[str], outcome: str) -> None:
        self._journal.note(self._number, ";\n    ".join(lines), outcome)


_EXPECTED = (
    psycopg.IntegrityError,
    psycopg.DataError,
    psycopg.errors.DeadlockDetected,
    psycopg.errors.LockNotAvailable,
    psycopg.errors.ObjectInUse,  # TRUNCATE, where deferred keys are still to be checked
)


@contextmanager
def writing(
    dsn: str, seed: int, source: Source, journal: Journal, sessions: int, transactions: int
) -> Iterator[None]:
    """Several sessions write at once while the block runs, at least one transaction each."""
    stop, failures = threading.Event(), list[BaseException]()

    def work(number: int) -> None:
        try:
            Session(dsn, number, seed, source, journal).work(transactions, stop)
        except BaseException as failed:  # noqa: BLE001 - raised below, in the test's thread
            failures.append(failed)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(sessions)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    for failed in failures:
        raise failed


def write(
    dsn: str, seed: int, source: Source, journal: Journal, sessions: int, transactions: int
) -> None:
    """Several sessions write at once, to their ends."""
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            Session(dsn, number, seed, source, journal).work(transactions)
        except BaseException as failed:  # noqa: BLE001 - raised below, in the test's thread
            failures.append(failed)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(sessions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for failed in failures:
        raise failed
