"""What became of a rollback whose connection was lost."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import closing

import psycopg

from repot.engine.swap.outcome import ended
from repot.folder.book import Book
from repot.folder.history import open_history
from repot.folder.session import open_session
from repot.folder.undo.choose import applied
from repot.folder.undo.way import Way
from repot.model.errors import OutcomeUnknown, RepotError

WAIT_S = 60.0  # for the server to come back, and for the transaction to end
_POLL_S = 0.2


def settle(dsn: str, xid: str, book: Book, ways: Sequence[Way], why: str) -> None:
    """Returns where it was committed. Raises RepotError `connection-lost`, OutcomeUnknown."""
    names = {way.page.name for way in ways}
    until = time.monotonic() + WAIT_S
    while True:
        try:
            with closing(open_session(dsn)) as conn:
                if ended(conn, xid):
                    there = {n for n, _ in applied(book, open_history(conn, book.folder).entries())}
                    if not names & there:
                        return
                    raise RepotError(
                        "connection-lost",
                        "the connection broke during the rollback, which was taken back whole",
                        evidence=why,
                        hint="the database is as it was: run it again",
                    )
        except psycopg.OperationalError:
            pass
        except RepotError as failed:
            if failed.code != "connection-failed":
                raise
        if time.monotonic() > until:
            raise OutcomeUnknown(
                "outcome-unknown",
                "the connection broke during the rollback, and the server cannot be asked",
                evidence=why,
                hint="when it can be reached, `repot migrate status` says what is applied",
            )
        time.sleep(_POLL_S)
