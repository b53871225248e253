"""`rollback`: the ways back run, newest first, in one transaction that shows what it loses."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import errors

from repot.folder.book import Book, open_book
from repot.folder.deploy import locks
from repot.folder.deploy.failure import masked
from repot.folder.history import open_history
from repot.folder.rehearse.duplicate import copied
from repot.folder.session import open_session
from repot.folder.undo.choose import Which, choose
from repot.folder.undo.outcome import settle
from repot.folder.undo.say import failed, would_lose
from repot.folder.undo.transaction import Broken, Stopped, undo
from repot.folder.undo.way import Way, way_back
from repot.model.errors import Refused
from repot.model.finding import Finding
from repot.model.progress import Progress, Silent
from repot.model.undo import Undoing
from repot.postgres.connect import Connection, without_password
from repot.postgres.retry import blockers

AGAIN = (errors.LockNotAvailable, errors.DeadlockDetected)


@dataclass(frozen=True)
class UndoOptions:
    """accept_loss: keep what is lost in the archive and go on; show: only the ways back; limit:
    how many keys are named of what is lost (None: all); on_copy: run them on a copy with all rows,
    in a private server, and leave the database alone; retries: of the whole transaction, where a
    lock could not be had within lock_timeout_ms."""

    accept_loss: bool = False
    show: bool = False
    on_copy: bool = False
    limit: int | None = None
    wait_s: float = locks.WAIT_S
    lock_timeout_ms: int = 500
    retries: int = 20


def rollback(
    dsn: str,
    folder: Path,
    which: Which,
    options: UndoOptions | None = None,
    progress: Progress | None = None,
) -> Undoing:
    """Undo migrations that were applied; a refusal or a failure leaves the database as it was.

    Raises UsageError `no-migrations`; Refused `deploy-busy`, `not-applied`, `later-migrations`,
    `migration-file-missing`, `migration-failed`, `lock-timeout`, `no-right`; RepotError
    `connection-lost`; OutcomeUnknown `outcome-unknown`.
    """
    options = options or UndoOptions()
    book = open_book(folder)
    if options.show:
        with closing(open_session(dsn)) as conn:
            ways = _ways(conn, book, which)
        found = _wrong(ways)
        return _result(ways, findings=found, refused=bool(found))
    if options.on_copy:
        return _rehearse(dsn, book, which, options)
    with locks.held(
        dsn,
        wait_s=options.wait_s,
        application="repot migrate rollback",
        progress=progress or Silent(),
    ) as conn:
        ways = _ways(conn, book, which)
        found = _wrong(ways)
        if found:
            return _result(ways, findings=found, refused=True)
        return _repeat(dsn, conn, book, ways, options)


def _rehearse(dsn: str, book: Book, which: Which, options: UndoOptions) -> Undoing:
    """Raises as `copied`."""
    with closing(open_session(dsn)) as source:
        ways = _ways(source, book, which)
        found = _wrong(ways)
        if found:
            return _result(ways, findings=found, refused=True, on_copy=True)
        with copied(source, dsn, data=True) as copy, closing(open_session(copy.dsn)) as conn:
            return _repeat(copy.dsn, conn, book, ways, options)


def _ways(conn: Connection, book: Book, which: Which) -> list[Way]:
    entries = open_history(conn, book.folder).entries()
    return [way_back(book, page, entry) for page, entry in choose(book, entries, which)]


def _wrong(ways: Sequence[Way]) -> tuple[Finding, ...]:
    return tuple(f for way in ways for f in way.findings)


def _repeat(
    dsn: str, conn: Connection, book: Book, ways: Sequence[Way], options: UndoOptions
) -> Undoing:
    begun = time.monotonic()
    for attempt in range(1, options.retries + 2):
        try:
            done = undo(
                conn,
                book,
                ways,
                accept_loss=options.accept_loss,
                limit=options.limit,
                lock_timeout_ms=options.lock_timeout_ms,
                trial=options.on_copy,
            )
        except Stopped as stopped:
            if isinstance(stopped.why, AGAIN):
                _pause(conn, attempt, options)
                continue
            found = (failed(stopped, dsn),)
            return _result(
                ways, findings=found, refused=True, attempts=attempt, on_copy=options.on_copy
            )
        except AGAIN:
            _pause(conn, attempt, options)
            continue
        except psycopg.Error as why:
            raise _refused(why, dsn) from why
        except Broken as broken:
            settle(dsn, broken.xid, book, ways, without_password(str(broken), dsn))
            done = broken.then
        return _result(
            ways,
            losses=done.losses,
            findings=() if done.committed else would_lose(done.losses, ways),
            rollback=done.rollback,
            done=done.committed,
            refused=bool(done.losses) and not done.committed,
            on_copy=options.on_copy,
            attempts=attempt,
            ms=(time.monotonic() - begun) * 1000,
        )
    raise AssertionError("the last attempt raises")


def _refused(why: psycopg.Error, dsn: str) -> Refused:
    """What Repot itself asks or keeps was refused, so nothing was done."""
    return Refused(
        "cannot-count",
        "what would be lost cannot be read or kept, so nothing was undone",
        evidence=masked(why.diag.message_primary or str(why).strip(), dsn),
        hint="run it as a role that owns the tables and is not subject to their row level "
        "security (or let the database's owner run it)",
    )


def _pause(conn: Connection, attempt: int, options: UndoOptions) -> None:
    """Refused `lock-timeout` after the last."""
    if attempt > options.retries:
        raise Refused(
            "lock-timeout",
            f"the locks could not be had in {attempt} tries of up to {options.lock_timeout_ms} ms",
            evidence=blockers(conn),
            hint="end the long transactions named here, or try in a quieter hour",
        )
    time.sleep(random.uniform(0.5, 1.0) * min(2.0, 0.05 * 2.0**attempt))


def _result(ways: Sequence[Way], **more: object) -> Undoing:
    return Undoing.model_validate({"migrations": tuple(w.shown for w in ways), **more})
