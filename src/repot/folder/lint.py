"""All that can be said of a folder before anything runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from repot.folder.book import Book, open_book
from repot.folder.data import examine_data, told_once
from repot.folder.rules import examine
from repot.folder.session import open_session
from repot.folder.settings import project_places, read_settings
from repot.folder.squawk import examine_locks
from repot.folder.standing import State, look
from repot.model.finding import Finding, Severity


@dataclass(frozen=True)
class Linted:
    """The folder as it was read, and what is wrong with it; applied: names, with a database."""

    book: Book
    findings: tuple[Finding, ...]
    applied: frozenset[str] = frozenset()

    @property
    def ok(self) -> bool:
        """Whether nothing of it is an error."""
        return not any(f.severity is Severity.ERROR for f in self.findings)

    @property
    def statements(self) -> int:
        return sum(len(page.statements) for page in self.book.pages)


def lint(path: Path, dsn: str | None = None, *, locks: bool = True, timeout_s: int = 60) -> Linted:
    """Read and examine the folder; with a database, what its history and its data say as well.

    locks: let squawk say what it thinks of the locks (with a database, of pending files only);
    timeout_s: for one question about the data. Raises UsageError `no-migrations`, `order-invalid`,
    `settings-invalid`; RepotError `connection-failed`.
    """
    book = open_book(path)
    if dsn is None:
        advice = examine_locks(book) if locks else ()
        return Linted(book, in_order(book, (*book.findings, *examine(book), *advice)))
    settings = read_settings(*project_places(path, book.folder.path))
    with open_session(dsn) as conn:
        standing = look(conn, book)
        applied = frozenset(r.name for r in standing.rows if r.state is State.APPLIED)
        findings = [*book.findings, *examine(book, applied), *standing.findings]
        pending = standing.pending
        data = examine_data(conn, book, pending, settings, timeout_ms=timeout_s * 1000)
        findings = told_once(findings, data)
        if locks:
            major = conn.info.server_version // 10000
            findings += examine_locks(book, pending, major=major)
    return Linted(book, in_order(book, findings), applied)


def in_order(book: Book, findings: list[Finding] | tuple[Finding, ...]) -> tuple[Finding, ...]:
    """By the folder's order of files, then by line; what belongs to no file comes first."""
    scripts = (s for page in book.pages for s in (page.up, page.down) if s is not None)
    place = {reading.script.file: n for n, reading in enumerate(scripts)}
    return tuple(
        sorted(
            findings,
            key=lambda f: (place.get(f.file or "", len(place) if f.file else -1), f.line or 0),
        )
    )
