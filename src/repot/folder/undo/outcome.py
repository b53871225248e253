"""What became of a rollback whose connection was lost."""

from __future__ import annotations

from collections.abc import Sequence

from repot.folder.book import Book
from repot.folder.history import open_history
from repot.folder.session import open_session
from repot.folder.undo.choose import applied
from repot.folder.undo.way import Way
from repot.model.errors import OutcomeUnknown, RepotError
from repot.postgres.connect import Connection
from repot.postgres.outcome import WAIT_S, committed


def settle(dsn: str, xid: str, book: Book, ways: Sequence[Way], why: str) -> None:
    """Returns where it was committed. Raises RepotError `connection-lost`, OutcomeUnknown."""
    names = {way.page.name for way in ways}

    def gone(conn: Connection) -> bool:
        there = {n for n, _ in applied(book, open_history(conn, book.folder).entries())}
        return not names & there

    done = committed(lambda: open_session(dsn), xid, gone, WAIT_S)
    if done is None:
        raise OutcomeUnknown(
            "outcome-unknown",
            "the connection broke during the rollback, and the server cannot be asked",
            evidence=why,
            hint="when it can be reached, `repot migrate status` says what is applied",
        )
    if not done:
        raise RepotError(
            "connection-lost",
            "the connection broke during the rollback, which was taken back whole",
            evidence=why,
            hint="the database is as it was: run it again",
        )
