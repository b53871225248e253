"""`resolve`: a person says what became of a migration."""

from __future__ import annotations

from pathlib import Path

from repot.folder.book import Book, Page, open_book
from repot.folder.deploy import locks
from repot.folder.history import Kind, Own, open_history
from repot.model.base import Value
from repot.model.errors import UsageError
from repot.model.folder import Layout
from repot.model.progress import Progress, Silent


class Resolution(Value):
    """What the history says now."""

    applied: tuple[str, ...] = ()
    rolled_back: str | None = None
    table: str


def resolve(
    dsn: str,
    folder: Path,
    *,
    applied: tuple[str, ...] = (),
    rolled_back: str | None = None,
    wait_s: float = locks.WAIT_S,
    progress: Progress | None = None,
) -> Resolution:
    """With Prisma's meaning, or Supabase's (`migration repair`), as the folder's tool has it.

    applied: these are in the database; a missing history table is created (a baseline).
    rolled_back: what failed is not in the database: it runs again, from its first statement.
    Raises UsageError `migration-unknown`; Refused `already-applied`, `never-applied`, `not-failed`,
    `deploy-busy`.
    """
    book = open_book(folder)
    pages = [_page(book, name) for name in applied]
    with locks.held(
        dsn, wait_s=wait_s, application="repot migrate resolve", progress=progress or Silent()
    ) as conn:
        history, own = open_history(conn, book.folder), Own(conn, book.folder.layout)
        with conn.transaction():
            own.ensure()
            if pages:
                history.ensure()
            for page in pages:
                history.resolve_applied(page)
                own.note(Kind.RESOLVED_APPLIED, page.name, "")
            if rolled_back is not None:
                name = _whole_name(book, rolled_back)
                history.resolve_rolled_back(name)
                own.note(Kind.RESOLVED_ROLLED_BACK, name, "")
        table = history.table
    return Resolution(applied=tuple(p.name for p in pages), rolled_back=rolled_back, table=table)


def _page(book: Book, name: str) -> Page:
    page = book.get(_whole_name(book, name))
    if page is None:
        raise UsageError(
            "migration-unknown",
            f"{name} is not in {book.folder.path}",
            hint="give the whole name: "
            + ", ".join(m.name for m in book.folder.migrations[-3:])
            + " …",
        )
    return page


def _whole_name(book: Book, given: str) -> str:
    """Supabase's own tool takes the version alone."""
    if book.folder.layout is not Layout.SUPABASE:
        return given
    return next((m.name for m in book.folder.migrations if m.version == given), given)
