"""Migration folders, as typed functions; every front door calls these and nothing below."""

from __future__ import annotations

import os
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from repot.folder import deploy as _deploying
from repot.folder.book import open_book
from repot.folder.deploy import Deployment as Deployment
from repot.folder.deploy import Options as Options
from repot.folder.deploy import Resolution as Resolution
from repot.folder.diff import diff as _diff
from repot.folder.diff import diff_databases as _diff_databases
from repot.folder.fix import FileFix, fixed, plan_fixes, refusals, write_fixes
from repot.folder.history import open_history
from repot.folder.lint import Linted, in_order
from repot.folder.lint import lint as _lint
from repot.folder.rehearse import FileRun as FileRun
from repot.folder.rehearse import Rehearsal as Rehearsal
from repot.folder.rehearse import Step as Step
from repot.folder.rehearse import rehearse as _rehearse
from repot.folder.rules import examine
from repot.folder.session import open_session
from repot.folder.standing import Comparison, State, look
from repot.folder.standing import Row as Row
from repot.folder.undo import OnConflict as OnConflict
from repot.folder.undo import UndoOptions as UndoOptions
from repot.folder.undo import Which as Which
from repot.folder.undo import read_archive as _read_archive
from repot.folder.undo import restore as _restore
from repot.folder.undo import rollback as _rollback
from repot.model.diff import Diff as Diff
from repot.model.diff import Difference as Difference
from repot.model.finding import Finding
from repot.model.progress import Progress
from repot.model.undo import Archived as Archived
from repot.model.undo import Loss as Loss
from repot.model.undo import Restoration as Restoration
from repot.model.undo import Undoing as Undoing
from repot.postgres.trouble import explained


def lint(
    folder: Path, database: str | None = None, *, locks: bool = True, timeout_s: int = 60
) -> Linted:
    """Everything that can be said of the folder before anything runs; no database is needed.

    With one, the data are looked at as well. locks: ask squawk, too; timeout_s: for one question.
    Raises UsageError `no-migrations`, `order-invalid`, `settings-invalid`; RepotError
    `connection-failed`.
    """
    return _lint(folder, database, locks=locks, timeout_s=timeout_s)


def plan_fix(
    folder: Path, database: str | None = None
) -> tuple[tuple[FileFix, ...], tuple[Finding, ...]]:
    """The cuts that can be made, and what remains in those files when they are made.

    With a database, files that it has run are not to be changed. Raises as `lint`.
    """
    seen = _lint(folder, database, locks=False)
    fixes = plan_fixes(seen.book, seen.applied)
    after = fixed(seen.book, fixes)
    files = {fix.file for fix in fixes}
    found = (*refusals(fixes), *after.findings, *examine(after, seen.applied))
    return fixes, in_order(after, [f for f in found if f.file in files])


def write_fix(fixes: tuple[FileFix, ...]) -> tuple[str, ...]:
    """Make the cuts; gives the files that were written. Raises RepotError `file-changed`."""
    return write_fixes(fixes)


@dataclass(frozen=True)
class MigrationStatus:
    """Where a database stands; table: the history's name; next: the command to give."""

    layout: str
    table: str
    rows: tuple[Row, ...]
    pending: tuple[str, ...]
    findings: tuple[Finding, ...]
    next: str | None

    @property
    def counts(self) -> dict[str, int]:
        """How many are in which state."""
        return dict(Counter(row.state.value for row in self.rows))


def status(folder: Path, database: str | None = None) -> MigrationStatus:
    """Where each migration stands; changes nothing.

    Raises UsageError `no-migrations`, `order-invalid`; RepotError `connection-failed`.
    """
    book = open_book(folder)
    with explained("migrate status"), closing(open_session(database_url(database))) as conn:
        found = look(conn, book)
        table = open_history(conn, book.folder).table
    return MigrationStatus(
        layout=book.folder.layout.value,
        table=table,
        rows=found.rows,
        pending=found.pending,
        findings=found.findings,
        next=_next(found),
    )


def deploy(
    folder: Path,
    database: str | None = None,
    options: Options | None = None,
    progress: Progress | None = None,
) -> Deployment:
    """Apply what is pending; see `repot.folder.deploy.deploy`."""
    with explained("migrate deploy"):
        return _deploying.deploy(database_url(database), folder, options, progress)


def resolve(
    folder: Path,
    database: str | None = None,
    *,
    applied: tuple[str, ...] = (),
    rolled: str | None = None,
) -> Resolution:
    """Say what became of a migration; see `repot.folder.deploy.resolve`."""
    with explained("migrate resolve"):
        return _deploying.resolve(
            database_url(database), folder, applied=applied, rolled_back=rolled
        )


def rehearse(
    folder: Path,
    database: str | None = None,
    *,
    data: bool = False,
    progress: Progress | None = None,
) -> Rehearsal:
    """Run what is pending on a copy in a private server; see `repot.folder.rehearse`."""
    return _rehearse(database_url(database), folder, data=data, progress=progress)


def rollback(
    folder: Path,
    database: str | None,
    which: Which,
    options: UndoOptions | None = None,
    progress: Progress | None = None,
) -> Undoing:
    """Undo what was applied; see `repot.folder.undo.rollback`."""
    return _rollback(database_url(database), folder, which, options, progress)


def restore(
    rollback: int,
    database: str | None = None,
    *,
    on_conflict: OnConflict | None = None,
    force: bool = False,
    limit: int | None = None,
    progress: Progress | None = None,
) -> Restoration:
    """Bring back what a rollback lost; see `repot.folder.undo.restore`."""
    return _restore(
        database_url(database),
        rollback,
        on_conflict=on_conflict,
        force=force,
        limit=limit,
        progress=progress,
    )


def archive(database: str | None = None) -> tuple[Archived, ...]:
    """What rollbacks lost and the archive keeps, oldest first."""
    return _read_archive(database_url(database))


def diff(
    folder: Path,
    database: str | None = None,
    *,
    against: str | None = None,
    baseline: Path | None = None,
    progress: Progress | None = None,
) -> Diff:
    """How the database differs from what the folder makes, or from the database `against`; see
    `repot.folder.diff`."""
    if against is not None:
        return _diff_databases(database_url(database), against)
    return _diff(database_url(database), folder, baseline=baseline, progress=progress)


def database_url(given: str | None) -> str:
    """The connection string: as given, else DATABASE_URL, else empty (libpq reads PG* itself)."""
    return given or os.environ.get("DATABASE_URL", "")


def _next(found: Comparison) -> str | None:
    failed = next((r for r in found.rows if r.state is State.FAILED), None)
    if failed is not None:
        return f"repot migrate resolve --rolled-back {failed.name}"
    if any(f.code == "baseline-needed" for f in found.findings):
        return f"repot migrate resolve --applied {found.rows[0].name}" if found.rows else None
    return "repot migrate deploy" if found.pending else None
