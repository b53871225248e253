"""A file statement by statement: each is committed together with the note that it is done."""

from __future__ import annotations

import time

import psycopg

from repot.folder.attempts import STEPS, Attempt, attempts, prefix_of
from repot.folder.book import Page
from repot.folder.deploy import leftovers
from repot.folder.deploy.failure import failure
from repot.folder.deploy.job import AGAIN, Job, Watch, lost
from repot.folder.deploy.outcome import Committed, broken, commit
from repot.folder.deploy.result import Failure, Ran
from repot.folder.deploy.way import Kind as UnitKind
from repot.folder.deploy.way import Unit, Way, commits, ends, sets_session
from repot.folder.fingerprint import fingerprint
from repot.folder.history import Kind, Own
from repot.folder.history.checksum import checksum
from repot.folder.text import Statement
from repot.model.errors import RepotError
from repot.postgres.connect import Connection, without_password


def run_steps(
    job: Job, page: Page, way: Way, watch: Watch, described: bool, before: Attempt | None
) -> Ran | Failure:
    """Run it from where `before` stopped, or from the start.

    Raises Committed, RepotError `connection-lost`, `deploy-cancelled`.
    """
    return _Steps(job, page, way, watch, described, before).run()


class _Steps:
    def __init__(
        self,
        job: Job,
        page: Page,
        way: Way,
        watch: Watch,
        described: bool,
        before: Attempt | None,
    ) -> None:
        self._job, self._page, self._way = job, page, way
        self._watch, self._described = watch, described
        self._before = before
        self._done = self._first = before.done if before else 0
        self._at: Statement | None = None
        self._begun = time.monotonic()
        self._tries = 1
        self._digest: str | None = None
        self._attempt = ""

    def run(self) -> Ran | Failure:
        job, page, before = self._job, self._page, self._before
        reached = before.reached if before else None
        found = before.found if before else {}
        with job.conn.transaction():
            self._attempt = job.history.begin(page.migration)
            job.own.note(
                Kind.STARTED,
                page.name,
                self._attempt,
                mode=STEPS,
                statement=self._done,
                prefix=prefix_of(page.statements, self._done),
                checksum=checksum(page.migration.up.text),
                detail={"reached": reached, "found": found} if reached else None,
            )
        try:
            self._again_set()
            for unit in self._way.units:
                if unit.last > self._done:
                    self._unit(unit, reached, found)
            if not self._way.units or self._way.units[-1].kind is UnitKind.ALONE:
                job.conn.execute(b"begin")
                self._finish()
                self._commit(len(page.statements))
        except Committed as done:
            done.ran = self._ran() if self._done == len(page.statements) else None
            raise
        except psycopg.Error as wrong:
            if lost(job.conn, wrong):
                raise broken(page, without_password(str(wrong), job.dsn)) from wrong
            return self._failed(wrong)
        except KeyboardInterrupt:
            job.back()
            raise RepotError(
                "deploy-cancelled",
                f"cancelled while {page.name} ran: {self._done} of its {len(page.statements)} "
                "statements are done and stay",
                hint="`repot migrate deploy` goes on after them",
            ) from None
        return self._ran()

    def _again_set(self) -> None:
        """The session as the statements that are done have left it."""
        self._job.fresh()
        for statement in self._page.statements[: self._done]:
            if sets_session(statement):
                self._job.conn.execute(statement.text.encode())

    def _unit(self, unit: Unit, reached: int | None, found: dict[str, object]) -> None:
        """One that could not have its locks runs again."""
        attempt = 0
        while True:
            try:
                if unit.kind is UnitKind.ALONE:
                    resumed = found if reached == unit.last else None
                    self._alone(unit.statements[0], resumed)
                else:
                    self._together(unit)
                return
            except AGAIN:
                self._job.back()
                if attempt >= self._job.retries:
                    raise
                self._job.pause(attempt)
                attempt += 1
                self._tries += 1
                reached, found = unit.last, self._noted

    def _together(self, unit: Unit) -> None:
        """In one transaction: Repot's, or the file's own."""
        conn = self._job.conn
        own = unit.kind is UnitKind.OWN
        if not own:
            conn.execute(b"begin")
        for statement in unit.statements:
            last = own and statement is unit.statements[-1] and ends(statement)
            if last and commits(statement):
                break  # Repot's own COMMIT takes its place, once it is noted
            self._run(statement)
            if last:  # it rolled back, or prepared
                conn.execute(b"begin")
        self._watch.at(None)
        self._at = None
        role = self._role()
        self._job.own_rights()
        if unit is self._way.units[-1]:
            self._finish()
        else:
            self._note_done(unit.last)
            conn.execute("select pg_catalog.set_config('role', %s, false)", (role,))
        self._commit(unit.last)
        self._done = unit.last

    def _commit(self, number: int) -> None:
        """The statements up to that one."""
        job, attempt = self._job, self._attempt

        def noted(conn: Connection) -> bool:
            known = attempts(Own(conn, job.book.folder.layout).events()).get(attempt)
            return known is not None and (known.done >= number or known.ended is not None)

        try:
            commit(job, self._page, noted)
        except Committed:
            self._done = number
            raise

    def _alone(self, statement: Statement, found: dict[str, object] | None) -> None:
        """Outside of any transaction: what was there before is noted first, so that what a broken
        run has left can be told from it."""
        job = self._job
        finished = False
        if found is not None:
            finished, invalid = leftovers.left(job.conn, statement, found)
            if invalid:
                job.progress.say(
                    f"dropping {leftovers.quoted(invalid)}: invalid, left by the last try"
                )
                leftovers.drop(job.conn, invalid)
        self._noted = found if found is not None else leftovers.before(job.conn, statement)
        role = self._role()
        job.own_rights()
        job.own.note(
            Kind.REACHED,
            self._page.name,
            self._attempt,
            statement=statement.number,
            detail=self._noted,
        )
        job.conn.execute("select pg_catalog.set_config('role', %s, false)", (role,))
        if not finished:
            # It waits for transactions, too, and nobody behind it waits for that.
            job.conn.execute("set lock_timeout = 0")
            self._run(statement)
            job.conn.execute(
                "select pg_catalog.set_config('lock_timeout', %s, false)",
                (f"{job.lock_timeout_ms}ms",),
            )
        self._watch.at(None)
        self._at = None
        role = self._role()
        job.own_rights()
        self._note_done(statement.number)
        job.conn.execute("select pg_catalog.set_config('role', %s, false)", (role,))
        self._done, self._noted = statement.number, {}

    def _run(self, statement: Statement) -> None:
        self._at = statement
        self._watch.at(statement)
        self._job.conn.execute(statement.text.encode())

    def _role(self) -> str:
        row = self._job.conn.execute("select pg_catalog.current_setting('role')").fetchone()
        return str(row[0]) if row else "none"

    def _note_done(self, number: int) -> None:
        self._job.own.note(
            Kind.DONE,
            self._page.name,
            self._attempt,
            statement=number,
            prefix=prefix_of(self._page.statements, number),
        )

    def _finish(self) -> None:
        """Within a transaction: the whole file is done."""
        job = self._job
        job.own_rights()
        job.conn.execute("set constraints all immediate")
        job.history.finish(self._attempt, self._page)
        self._digest = fingerprint(job.conn) if self._described else None
        job.own.note(
            Kind.APPLIED,
            self._page.name,
            self._attempt,
            mode=STEPS,
            statement=len(self._page.statements),
            duration_ms=self._ms(),
            fingerprint=self._digest,
        )

    def _failed(self, wrong: psycopg.Error) -> Failure:
        job = self._job
        job.back()
        job.own_rights()
        found = failure(self._page, self._at, wrong, job.dsn, mode=STEPS, kept=self._done)
        if self._at is not None:
            _, invalid = leftovers.left(job.conn, self._at, self._noted)
            if invalid:
                hint = f"{leftovers.quoted(invalid)} is left invalid; the next deploy drops it"
                found = found.model_copy(
                    update={"hint": f"{found.hint}; {hint}" if found.hint else hint}
                )
        with job.conn.transaction():
            job.history.fail(self._attempt, found.logs)
            job.own.note(
                Kind.FAILED,
                self._page.name,
                self._attempt,
                mode=STEPS,
                statement=found.statement,
                duration_ms=self._ms(),
                detail={"error": found.logs},
            )
        return found

    def _ran(self) -> Ran:
        page = self._page
        return Ran(
            name=page.name,
            file=page.file,
            mode=STEPS,
            statements=len(page.statements),
            ms=self._ms(),
            attempts=self._tries,
            resumed=self._first + 1 if self._before else None,
            fingerprint=self._digest,
        )

    def _ms(self) -> float:
        return (time.monotonic() - self._begun) * 1000

    _noted: dict[str, object] = {}
