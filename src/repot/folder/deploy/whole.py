"""A file as one transaction, together with the rows that say so."""

from __future__ import annotations

import time

import psycopg
from psycopg.pq import TransactionStatus

from repot.folder.attempts import WHOLE
from repot.folder.book import Page
from repot.folder.deploy.failure import failure
from repot.folder.deploy.job import AGAIN, Job, Watch, lost
from repot.folder.deploy.outcome import Committed, broken, commit
from repot.folder.deploy.result import Failure, Ran
from repot.folder.deploy.way import Way
from repot.folder.fingerprint import fingerprint
from repot.folder.history import Kind, open_history
from repot.folder.history.checksum import checksum
from repot.folder.text import Statement
from repot.model.errors import RepotError
from repot.postgres.connect import Connection, without_password


def run_whole(job: Job, page: Page, way: Way, watch: Watch, described: bool) -> Ran | Failure:
    """Run it, again where it was rolled back for want of a lock.

    The history's row of the start is committed before: a crash shows as an attempt without an end.
    described: keep the schema's fingerprint. Raises Committed, RepotError `connection-lost`,
    `deploy-cancelled`.
    """
    return _Whole(job, page, way, watch, described).run()


class _Whole:
    def __init__(self, job: Job, page: Page, way: Way, watch: Watch, described: bool) -> None:
        self._job, self._page, self._way = job, page, way
        self._watch, self._described = watch, described
        self._at: Statement | None = None
        self._begun = time.monotonic()
        self._digest: str | None = None

    def run(self) -> Ran | Failure:
        job, page = self._job, self._page
        with job.conn.transaction():
            attempt = job.history.begin(page.migration)
            job.own.note(
                Kind.STARTED,
                page.name,
                attempt,
                mode=WHOLE,
                checksum=checksum(page.migration.up.text),
            )
        number = 0
        while True:
            try:
                self._try(attempt)
                return self._ran(number + 1)
            except Committed as done:
                done.ran = self._ran(number + 1)
                raise
            except psycopg.Error as wrong:
                if lost(job.conn, wrong):
                    raise broken(page, without_password(str(wrong), job.dsn)) from wrong
                job.back()
                if isinstance(wrong, AGAIN) and number < job.retries:
                    job.pause(number)
                    number += 1
                    continue
                return self._failed(attempt, wrong)
            except KeyboardInterrupt:
                self._cancelled(attempt)
                if job.history.finished(attempt, page):
                    return self._ran(number + 1)
                raise RepotError(
                    "deploy-cancelled",
                    f"cancelled while {page.name} ran: it was rolled back whole",
                    hint="`repot migrate deploy` runs it again",
                ) from None

    def _try(self, attempt: str) -> None:
        job, way = self._job, self._way
        job.fresh()
        job.conn.execute(way.begin.text.encode() if way.begin else b"begin")
        for statement in way.body:
            self._at = statement
            self._watch.at(statement)
            job.conn.execute(statement.text.encode())
        self._at = None
        self._watch.at(None)
        if job.conn.info.transaction_status != TransactionStatus.INTRANS:
            raise RepotError("not-committed", f"{self._page.name} has ended its transaction itself")
        job.own_rights()
        # What is deferred to the commit is to fail before the history says that all is well.
        job.conn.execute("set constraints all immediate")
        job.history.finish(attempt, self._page)
        self._digest = fingerprint(job.conn) if self._described else None
        job.own.note(
            Kind.APPLIED,
            self._page.name,
            attempt,
            mode=WHOLE,
            statement=len(self._page.statements),
            duration_ms=self._ms(),
            fingerprint=self._digest,
        )

        def applied(conn: Connection) -> bool:
            return open_history(conn, job.book.folder).finished(attempt, self._page)

        commit(job, self._page, applied)

    def _failed(self, attempt: str, wrong: psycopg.Error) -> Failure:
        job = self._job
        found = failure(self._page, self._at, wrong, job.dsn, mode=WHOLE)
        job.own_rights()
        with job.conn.transaction():
            job.history.fail(attempt, found.logs)
            job.own.note(
                Kind.FAILED,
                self._page.name,
                attempt,
                mode=WHOLE,
                statement=found.statement,
                duration_ms=self._ms(),
                detail={"error": found.logs},
            )
        return found

    def _cancelled(self, attempt: str) -> None:
        """What `resolve --rolled-back` would write: nothing of it is in the database."""
        job = self._job
        job.back()
        job.own_rights()
        with job.conn.transaction():
            if not job.history.finished(attempt, self._page):
                job.history.give_up(attempt)
                job.own.note(Kind.CANCELLED, self._page.name, attempt, duration_ms=self._ms())

    def _ran(self, attempts: int) -> Ran:
        page = self._page
        return Ran(
            name=page.name,
            file=page.file,
            mode=WHOLE,
            statements=len(page.statements),
            ms=self._ms(),
            attempts=attempts,
            fingerprint=self._digest,
        )

    def _ms(self) -> float:
        return (time.monotonic() - self._begun) * 1000
