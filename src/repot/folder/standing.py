"""Where each migration of a folder stands in a database, and what is wrong with the history."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from itertools import pairwise

import postgast

from repot.folder.attempts import WHOLE, Attempt, attempts, prefix_of
from repot.folder.book import Book, Page
from repot.folder.history.checksum import matches
from repot.folder.history.open import open_history
from repot.folder.history.own import Event, Own
from repot.model.base import Value
from repot.model.finding import Finding, Severity, error, info, warning
from repot.model.folder import Entry, Layout
from repot.postgres.connect import Connection


class State(StrEnum):
    """As people read it; Prisma itself knows applied, pending, failed and rolled back."""

    APPLIED = "applied"
    PENDING = "pending"
    ROLLED_BACK = "rolled back"  # it runs again
    FAILED = "failed"
    STOPPED = "stopped"  # between two statements; deploy goes on there
    INTERRUPTED = "interrupted"  # nothing of it is in the database; deploy runs it again
    RUNNING = "running"
    GONE = "not in the folder"


OPEN = (State.PENDING, State.ROLLED_BACK, State.STOPPED, State.INTERRUPTED)


class Row(Value):
    """One migration. duration_ms: from its start to its end; statement: how far it came, of
    `statements` in the file."""

    name: str
    state: State
    file: str | None = None
    at: datetime | None = None
    duration_ms: float | None = None
    who: str | None = None
    statement: int | None = None
    statements: int | None = None
    logs: str | None = None


@dataclass(frozen=True)
class Comparison:
    """rows: in the folder's order, then what the folder lacks; open: the attempts that another one
    takes up, by migration."""

    rows: tuple[Row, ...]
    findings: tuple[Finding, ...]
    open: dict[str, tuple[Attempt | None, str | None]]

    @property
    def pending(self) -> tuple[str, ...]:
        """What deploy would run, in order."""
        return tuple(r.name for r in self.rows if r.state in OPEN)

    @property
    def applied(self) -> frozenset[str]:
        """Names of what the database has."""
        return frozenset(r.name for r in self.rows if r.state is State.APPLIED)

    @property
    def errors(self) -> tuple[Finding, ...]:
        return tuple(f for f in self.findings if f.severity is Severity.ERROR)


def look(conn: Connection, book: Book) -> Comparison:
    """Where the folder stands in the database of `conn`, with what would keep its tool from
    beginning there. Refused `no-schema`."""
    history, own = open_history(conn, book.folder), Own(conn, book.folder.layout)
    found = compare(book, history.entries(), own.events())
    obstacle = history.obstacle()
    if obstacle is None:
        return found
    return replace(found, findings=(*found.findings, obstacle))


def compare(book: Book, entries: Sequence[Entry], events: Iterable[Event] = ()) -> Comparison:
    """The folder against the history (`History.entries`) and Repot's notes (`Own.events`)."""
    return _Comparing(book, entries, events).run()


class _Comparing:
    def __init__(self, book: Book, entries: Sequence[Entry], events: Iterable[Event]) -> None:
        self._book, self._entries = book, entries
        self._attempts = attempts(events)
        self._supabase = book.folder.layout is Layout.SUPABASE
        self._findings: list[Finding] = []
        self._open: dict[str, tuple[Attempt | None, str | None]] = {}

    def run(self) -> Comparison:
        rows = [self._page(page) for page in self._book.pages]
        rows += self._gone()
        self._order(rows)
        return Comparison(tuple(rows), tuple(self._findings), self._open)

    def _of(self, page: Page) -> list[Entry]:
        """The history's rows of a migration; Supabase knows it by its version."""
        if self._supabase:
            return [e for e in self._entries if e.id == page.migration.version]
        return [e for e in self._entries if e.name == page.name]

    def _page(self, page: Page) -> Row:
        entries = self._of(page)
        live = [e for e in entries if e.rolled_back_at is None]
        unfinished = [e for e in live if e.finished_at is None and not self._supabase]
        done = [e for e in live if e not in unfinished]
        if unfinished:
            return self._unfinished(page, unfinished)
        if done:
            return self._applied(page, done)
        last = self._last(page.name)
        if self._supabase and last is not None and last.ended is None:
            return self._begun(page, last, None)
        state = State.ROLLED_BACK if entries else State.PENDING
        return Row(name=page.name, state=state, file=page.file, statements=len(page.statements))

    def _applied(self, page: Page, done: list[Entry]) -> Row:
        entry, last = done[-1], self._last(page.name)
        if len(done) > 1:
            self._findings.append(
                warning(
                    "migration-applied-twice",
                    f"the history has {page.name} as applied {len(done)} times",
                    file=page.file,
                    hint="two tools ran it, or one without its lock; look whether it did harm",
                    count=len(done),
                )
            )
        same = _unedited(page, entry, last)
        if same is False:
            self._findings.append(
                error(
                    "migration-edited",
                    f"{page.name} was changed after it was applied: the file is not what ran here",
                    file=page.file,
                    hint="bring the file back as it was (version control) and put the change into "
                    "a new migration; `deploy --accept migration-edited` runs the others all the "
                    "same",
                )
            )
        mine = self._attempts.get(entry.id) if not self._supabase else last
        took = mine.duration_ms if mine else _took(entry)
        return Row(
            name=page.name,
            state=State.APPLIED,
            file=page.file,
            at=entry.finished_at or (mine.at if mine else None),
            duration_ms=took,
            who=mine.who if mine else None,
            statements=len(page.statements),
        )

    def _unfinished(self, page: Page, entries: list[Entry]) -> Row:
        known = self._attempts.get(entries[-1].id)
        if known is None or len(entries) > 1:
            return self._failed(page, entries[-1], None)
        return self._begun(page, known, entries[-1])

    def _begun(self, page: Page, known: Attempt, entry: Entry | None) -> Row:
        """An attempt of Repot's own that has no end."""
        if known.alive and known.failed is None:
            self._findings.append(
                warning(
                    "migration-running",
                    f"{page.name} is running now (pid {known.pid}, {known.client or known.who})",
                    file=page.file,
                    hint="wait for it",
                )
            )
            return self._row(page, State.RUNNING, known, entry)
        if not known.resumable and not self._supabase:
            return self._failed(page, entry, known)
        self._open[page.name] = (known, entry.id if entry else known.id)
        if known.failed is not None and known.mode == WHOLE:  # Supabase: its history knows nothing
            return self._row(page, State.PENDING, known, entry)
        if known.mode == WHOLE or (not known.done and known.reached is None):
            self._findings.append(
                info(
                    "migration-interrupted",
                    f"{page.name} was begun and rolled back whole: nothing of it is here",
                    file=page.file,
                    hint="`repot migrate deploy` runs it again",
                )
            )
            return self._row(page, State.INTERRUPTED, known, entry)
        return self._stopped(page, known, entry)

    def _stopped(self, page: Page, known: Attempt, entry: Entry | None) -> Row:
        total = len(page.statements)
        if known.done > total or known.prefix != prefix_of(page.statements, known.done):
            self._findings.append(
                error(
                    "migration-stopped-edited",
                    f"{page.name} stopped after statement {known.done}, and one of the statements "
                    "up to there was changed since",
                    file=page.file,
                    hint="bring them back as they were; or undo by hand what they did and say "
                    f"`repot migrate resolve --rolled-back {page.name}`: then it begins anew",
                )
            )
        else:
            following = page.statements[known.done] if known.done < total else None
            self._findings.append(
                warning(
                    "migration-stopped",
                    f"{page.name} runs statement by statement and stopped after {known.done} of "
                    f"{total}" + _in_short(known.failed),
                    file=page.file,
                    line=following.line if following else None,
                    hint="`repot migrate deploy` goes on there",
                )
            )
        return self._row(page, State.STOPPED, known, entry)

    def _failed(self, page: Page, entry: Entry | None, known: Attempt | None) -> Row:
        logs = (entry.logs if entry else None) or (known.failed if known else None) or ""
        at = known.statement if known else None
        line = page.statements[at - 1].line if at and at <= len(page.statements) else None
        told = "it was rolled back whole" if known else "how far it came is not known"
        self._findings.append(
            error(
                "migration-failed",
                f"{page.name} failed{_in_short(logs)}; {told}",
                file=page.file,
                line=line,
                hint="put right what it failed on, then `repot migrate resolve --rolled-back "
                f"{page.name}` to run it again, or --applied if it is in the database as a whole",
            )
        )
        return self._row(page, State.FAILED, known, entry, logs)

    def _row(
        self,
        page: Page,
        state: State,
        known: Attempt | None,
        entry: Entry | None,
        logs: str | None = None,
    ) -> Row:
        return Row(
            name=page.name,
            state=state,
            file=page.file,
            at=known.at if known else (entry.started_at if entry else None),
            who=known.who if known else None,
            statement=(known.statement or known.done or None) if known else None,
            statements=len(page.statements),
            logs=logs or (known.failed if known else None),
        )

    def _last(self, name: str) -> Attempt | None:
        return next(
            (a for a in reversed(list(self._attempts.values())) if a.migration == name), None
        )

    def _gone(self) -> list[Row]:
        known = {p.migration.version if self._supabase else p.name for p in self._book.pages}
        rows = []
        for entry in self._entries:
            key = entry.id if self._supabase else entry.name
            if key in known or entry.rolled_back_at is not None:
                continue
            known.add(key)
            rows.append(Row(name=entry.name, state=State.GONE, at=entry.finished_at))
            self._findings.append(
                error(
                    "migration-not-in-folder",
                    f"the history has {entry.name}, and the folder does not",
                    object=entry.name,
                    hint="bring the file back (another branch may have it); if it was merged into "
                    "another one on purpose: `deploy --accept migration-not-in-folder`",
                )
            )
        return rows

    def _order(self, rows: list[Row]) -> None:
        """Pending before applied; and applied in another order than the folder's."""
        applied = [i for i, r in enumerate(rows) if r.state is State.APPLIED]
        for number, row in enumerate(rows[: applied[-1]] if applied else []):
            if row.state in (State.PENDING, State.ROLLED_BACK):
                self._late(row, rows[next(i for i in applied if i > number)])
        if self._supabase:
            return  # its history knows no times
        times = [(rows[i].at, rows[i]) for i in applied if rows[i].at is not None]
        for (before, earlier), (after, row) in pairwise(times):
            if before is not None and after is not None and after < before:
                self._findings.append(
                    info(
                        "migration-order",
                        f"{row.name} was applied before {earlier.name}, which stands before it",
                        file=row.file,
                        hint="a database made from this folder alone gets them in the other order",
                    )
                )

    def _late(self, row: Row, after: Row) -> None:
        # Prisma runs it without a word; Supabase wants --include-all.
        tell = error if self._supabase else warning
        self._findings.append(
            tell(
                "migration-out-of-order",
                f"{row.name} is pending and stands before {after.name}, which is applied",
                file=row.file,
                hint="see that it does not need what comes after it, or give it a later timestamp"
                + ("; `deploy --include-all` runs it now" if self._supabase else ""),
            )
        )


def _unedited(page: Page, entry: Entry, last: Attempt | None) -> bool | None:
    """Whether the file is the one that ran; None where that is not known."""
    text = page.migration.up.text
    if entry.checksum is not None:
        return matches(entry.checksum, text)
    if last is not None and last.ended is not None and matches(last.checksum or "", text):
        return True
    if entry.statements is None:
        return None
    ours = tuple(s.text for s in page.statements)
    return ours == entry.statements or _canonical(ours) == _canonical(entry.statements)


def _in_short(logs: str | None) -> str:
    """The line of the error itself, in brackets."""
    first = next((one for one in (logs or "").splitlines() if one.startswith("ERROR")), "")
    return f" ({first})" if first else ""


def _canonical(statements: Sequence[str]) -> str | None:
    """Without comments, blanks and the way in which it was cut at semicolons."""
    try:
        return str(postgast.deparse(postgast.parse(";\n".join(statements))))
    except postgast.PgQueryError:
        return "\n".join(" ".join(s.split()) for s in statements)


def _took(entry: Entry) -> float | None:
    if entry.started_at is None or entry.finished_at is None or not entry.steps:
        return None
    return (entry.finished_at - entry.started_at).total_seconds() * 1000
