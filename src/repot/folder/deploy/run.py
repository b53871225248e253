"""`deploy`: everything is examined, then what is pending runs, one file after the other."""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from repot.folder.attempts import STEPS
from repot.folder.book import open_book
from repot.folder.deploy import locks
from repot.folder.deploy.failure import finding
from repot.folder.deploy.job import Job, Watch
from repot.folder.deploy.outcome import Committed
from repot.folder.deploy.result import Deployment, Failure, Planned, Ran
from repot.folder.deploy.steps import run_steps
from repot.folder.deploy.way import no_transaction, way
from repot.folder.deploy.whole import run_whole
from repot.folder.history import Kind, Own, open_history
from repot.folder.rules import examine
from repot.folder.session import open_session
from repot.folder.standing import Comparison, State, look
from repot.model.errors import RepotError
from repot.model.finding import Finding, Severity
from repot.model.folder import Layout
from repot.model.progress import Progress, Silent
from repot.postgres.connect import Connection

_DESCRIBED = 50  # files, up to which each one's resulting schema gets its fingerprint
# What nobody can wave through: it is not SQL, or nobody knows what is in the database.
_NEVER = frozenset({"migration-failed", "migration-stopped-edited", "baseline-needed"})

_TAKEN_UP = frozenset({"migration-stopped", "migration-interrupted"})
# What `-- repot: no-transaction` answers.
_ANSWERED = frozenset(
    {
        *("own-transaction", "concurrently-in-transaction", "not-in-transaction"),
        "enum-value-too-new",
    }
)


@dataclass(frozen=True)
class Options:
    """wait_s: for another deployment; lock_timeout_ms and retries: for the locks of each file;
    accept: codes of error findings that are known and to be gone past."""

    wait_s: float = locks.WAIT_S
    lock_timeout_ms: int = 500
    retries: int = 20
    accept: frozenset[str] = frozenset()
    dry_run: bool = False


def deploy(
    dsn: str, folder: Path, options: Options | None = None, progress: Progress | None = None
) -> Deployment:
    """Apply what is pending in `folder` to the database; nothing is begun on any error finding.

    Raises UsageError `no-migrations`; Refused `deploy-busy`, `no-schema`, `no-right`; RepotError
    `connection-lost`, `deploy-cancelled`; OutcomeUnknown `outcome-unknown`.
    """
    try:
        return _Deploying(dsn, folder, options or Options(), progress or Silent()).run()
    except KeyboardInterrupt:
        raise RepotError(
            "deploy-cancelled",
            "cancelled while no file was running",
            hint="`repot migrate status` says what is applied",
        ) from None


class _Deploying:
    def __init__(self, dsn: str, folder: Path, options: Options, progress: Progress) -> None:
        self._dsn, self._options, self._progress = dsn, options, progress
        self._book = open_book(folder)
        self._applied: list[Ran] = []
        self._begun = time.monotonic()
        self._standing: tuple[Finding, ...] = ()
        self._read: dict[frozenset[str], tuple[Finding, ...]] = {}

    def run(self) -> Deployment:
        with closing(open_session(self._dsn)) as conn:
            first = self._examined(conn)[0]
        if self._options.dry_run:
            return first
        # What the texts say needs no lock; where the history stands may change until it is had.
        if self._refuses(f for f in first.findings if f not in self._standing):
            return first.model_copy(update={"refused": True})
        while True:
            with locks.held(
                self._dsn,
                wait_s=self._options.wait_s,
                application="repot migrate deploy",
                progress=self._progress,
            ) as conn:
                try:
                    return self._under_locks(conn)
                except Committed as done:  # with the connection the locks are gone
                    if done.ran is not None:
                        self._applied.append(done.ran)
                    self._progress.say("the connection broke after a commit: going on with another")

    def _examined(self, conn: Connection) -> tuple[Deployment, Comparison]:
        """The texts and the history against the folder, all at once."""
        compared = look(conn, self._book)
        texts = self._texts(compared.applied)
        self._standing = compared.findings
        running = any(r.state is State.RUNNING for r in compared.rows)
        found = (*texts, *compared.findings)
        refused = self._refuses(found) or running
        return self._result(found, refused=refused, pending=self._planned(compared)), compared

    def _under_locks(self, conn: Connection) -> Deployment:
        result, compared = self._examined(conn)
        if result.refused:
            return result
        # What was to be gone on with is gone on with now.
        known = tuple(f for f in result.findings if f.code not in _TAKEN_UP)
        history, own = open_history(conn, self._book.folder), self._own(conn)
        history.ensure()
        if compared.pending:
            own.ensure()
        job = Job(
            conn,
            self._dsn,
            self._book,
            history,
            own,
            self._progress,
            self._options.lock_timeout_ms,
            self._options.retries,
        )
        for name in compared.pending:
            done = self._one(job, name, compared)
            if isinstance(done, Failure):
                resolve = self._book.folder.layout is not Layout.SUPABASE
                found = (*known, finding(done, resolve))
                left = tuple(p for p in result.pending if p.name not in self._names())
                return self._result(found, failure=done, pending=left)
            self._applied.append(done)
        return self._result(known)

    def _one(self, job: Job, name: str, compared: Comparison) -> Ran | Failure:
        page = self._book.get(name)
        assert page is not None
        before, row = compared.open.get(name, (None, None))
        if before is not None and row is not None:
            with job.conn.transaction():
                job.history.give_up(row)
                job.own.note(Kind.GIVEN_UP, name, before.id)
        how = way(page)
        # In a long row of files the fingerprint is taken after the last.
        described = len(compared.pending) <= _DESCRIBED or name == compared.pending[-1]
        watch = Watch(self._progress, page)
        with watch.watching():
            if how.mode == STEPS:
                again = before if before is not None and (before.done or before.reached) else None
                done = run_steps(job, page, how, watch, described, again)
            else:
                done = run_whole(job, page, how, watch, described)
            watch.failed = isinstance(done, Failure)
        return done

    def _planned(self, compared: Comparison) -> tuple[Planned, ...]:
        found = []
        for name in compared.pending:
            page = self._book.get(name)
            assert page is not None
            how, before = way(page), compared.open.get(name, (None, None))[0]
            found.append(
                Planned(
                    name=name,
                    file=page.file,
                    mode=how.mode,
                    statements=len(page.statements),
                    first=before.done + 1 if before and how.units else 1,
                    why=how.why,
                )
            )
        return tuple(found)

    def _refuses(self, findings: Iterable[Finding]) -> bool:
        """Whether an error is among them that was not accepted; what is not SQL never is."""
        unread = {t.code for page in self._book.pages for t in page.up.troubles}
        accepted = self._options.accept - _NEVER - unread
        return any(f.severity is Severity.ERROR and f.code not in accepted for f in findings)

    def _texts(self, applied: frozenset[str]) -> tuple[Finding, ...]:
        """What the files say; asked again only where the history has changed meanwhile."""
        if applied not in self._read:
            found = self._unanswered(examine(self._book, applied))
            self._read[applied] = (*self._book.findings, *found)
        return self._read[applied]

    def _unanswered(self, findings: Iterable[Finding]) -> list[Finding]:
        """Without what a file has answered by its first line."""
        said = {p.file for p in self._book.pages if no_transaction(p.migration.up.text)}
        return [f for f in findings if not (f.file in said and f.code in _ANSWERED)]

    def _names(self) -> set[str]:
        return {ran.name for ran in self._applied}

    def _own(self, conn: Connection) -> Own:
        return Own(conn, self._book.folder.layout)

    def _result(
        self,
        findings: tuple[Finding, ...],
        *,
        refused: bool = False,
        failure: Failure | None = None,
        pending: tuple[Planned, ...] = (),
    ) -> Deployment:
        return Deployment(
            applied=tuple(self._applied),
            pending=pending,
            findings=findings,
            failure=failure,
            refused=refused,
            dry_run=self._options.dry_run,
            ms=(time.monotonic() - self._begun) * 1000,
        )
