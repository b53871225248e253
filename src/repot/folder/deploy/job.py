"""What running one file needs at hand."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from psycopg import errors

from repot.folder.book import Book, Page
from repot.folder.history import History, Own
from repot.folder.session import reset_session
from repot.folder.text import Statement
from repot.model.progress import Progress
from repot.postgres.connect import Connection

# A file that was rolled back for one of these runs again by itself.
AGAIN = (errors.LockNotAvailable, errors.DeadlockDetected, errors.SerializationFailure)
LOUD_S = 2.0  # a statement that takes longer is named


@dataclass
class Job:
    """lock_timeout_ms: for each lock of a file that sets none itself; retries: repeats of a file
    (or of a unit of it) that could not have a lock."""

    conn: Connection
    dsn: str
    book: Book
    history: History
    own: Own
    progress: Progress
    lock_timeout_ms: int
    retries: int

    def fresh(self) -> None:
        """The session as it was opened."""
        reset_session(self.conn, lock_timeout_ms=self.lock_timeout_ms)

    def back(self) -> None:
        """Out of whatever transaction is open; where the connection is gone, so is that."""
        if not self.conn.closed:
            self.conn.rollback()

    def own_rights(self) -> None:
        """Before Repot writes: a file may have taken another role."""
        self.conn.execute("reset session authorization")

    def pause(self, attempt: int) -> None:
        """Between two tries, in seconds: up to two, and never in step with others."""
        time.sleep(random.uniform(0.5, 1.0) * min(2.0, 0.05 * 2.0**attempt))


def lost(conn: Connection, why: psycopg.Error) -> bool:
    """Whether the error is that the connection is gone."""
    return isinstance(why, psycopg.OperationalError) and (
        conn.closed or isinstance(why, errors.AdminShutdown | errors.CrashShutdown)
    )


class Watch:
    """Says which statement is at work, once a file takes long; says nothing of quick ones."""

    def __init__(self, progress: Progress, page: Page) -> None:
        self._progress, self._page = progress, page
        self._now: tuple[Statement, float] | None = None
        self._done = 0
        self._end = threading.Event()
        self._key = f"migrate {page.name}"
        self.failed = False

    def at(self, statement: Statement | None) -> None:
        """It begins; None: nothing runs."""
        if self._now is not None:
            self._done += 1
        self._now = (statement, time.monotonic()) if statement else None

    def _work(self) -> None:
        shown: int | None = None
        while not self._end.wait(LOUD_S):
            if shown is None:
                total = len(self._page.statements) or None
                self._progress.start(self._key, self._page.name, total, "statements")
                shown = 0
            now, done = self._now, self._done
            if done > shown:
                self._progress.advance(self._key, done - shown)
                shown = done
            if now is not None:
                seconds = time.monotonic() - now[1]
                text = f"statement {now[0].number}, line {now[0].line}, for {seconds:,.0f} s"
                self._progress.note(self._key, text)
        if shown is not None and not self.failed:
            self._progress.advance(self._key, self._done - shown)
            self._progress.finish(self._key)

    @contextmanager
    def watching(self) -> Iterator[Watch]:
        thread = threading.Thread(target=self._work, name="repot watch", daemon=True)
        thread.start()
        try:
            yield self
        except BaseException:
            self.failed = True
            raise
        finally:
            self._end.set()
            thread.join()
