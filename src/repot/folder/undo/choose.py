"""Which migrations are to be undone, and in which order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from repot.folder.book import Book, Page
from repot.model.errors import Refused, UsageError
from repot.model.folder import Entry, Layout

_STATUS = "`repot migrate status` lists what is applied"


@dataclass(frozen=True)
class Which:
    """One of the three. name: this one; with_later: and those applied after it; last: the newest;
    to: all that were applied after that one, which stays."""

    name: str | None = None
    last: bool = False
    to: str | None = None
    with_later: bool = False

    def __post_init__(self) -> None:
        if sum((self.name is not None, self.last, self.to is not None)) != 1:
            raise UsageError(
                "rollback-what",
                "say what to undo, in one way",
                hint="the name of a migration, --last, or --to NAME (which stays)",
            )


def applied(book: Book, entries: Sequence[Entry]) -> list[tuple[str, Entry]]:
    """Names as the folder has them, where it does, in the order in which they were applied.

    Refused `migration-failed` where one was begun and nobody knows how far it came.
    """
    supabase = book.folder.layout is Layout.SUPABASE
    live = [e for e in entries if e.rolled_back_at is None]
    failed = [] if supabase else [e for e in live if e.finished_at is None]
    if failed:
        raise Refused(
            "migration-failed",
            f"{failed[0].name} was begun and not finished: what is in the database is not known",
            hint="`repot migrate resolve` it first, then undo the others",
        )
    names = {page.migration.version: page.name for page in book.pages} if supabase else {}
    found = [(names.get(e.id, e.name) if supabase else e.name, e) for e in live]
    place = {page.name: number for number, page in enumerate(book.pages)}
    if supabase:  # its history has no times: what the folder lacks is by its version
        found.sort(key=lambda f: (f[1].id.zfill(20), place.get(f[0], -1)))
    return found


def choose(book: Book, entries: Sequence[Entry], which: Which) -> list[tuple[Page, Entry]]:
    """Newest first. Refused `not-applied`, `later-migrations`, `migration-file-missing`."""
    there = applied(book, entries)
    names = [name for name, _ in there]
    wanted = which.name or which.to
    if not there:
        raise Refused("not-applied", "no migration is applied in this database", hint=_STATUS)
    if wanted is not None and wanted not in names:
        raise Refused("not-applied", f"{wanted} is not applied in this database", hint=_STATUS)
    if which.last:
        first = len(there) - 1
    else:
        assert wanted is not None
        last = len(names) - 1 - names[::-1].index(wanted)
        first = last + 1 if which.to else last
    if which.name and first < len(there) - 1 and not which.with_later:
        later = names[first + 1 :]
        raise Refused(
            "later-migrations",
            f"{len(later)} applied after {which.name} must be undone before it",
            evidence="\n".join(reversed(later)),
            hint="--with-later undoes them, too, newest first",
        )
    chosen = there[first:][::-1]
    missing = [name for name, _ in chosen if book.get(name) is None]
    if missing:
        raise Refused(
            "migration-file-missing",
            "what is to be undone is not in the folder",
            evidence="\n".join(missing),
            hint="bring the files back from version control",
        )
    found = []
    for name, entry in chosen:
        page = book.get(name)
        assert page is not None
        found.append((page, entry))
    return found
