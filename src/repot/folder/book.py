"""A folder read and parsed whole: what every examination of it begins with."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from repot.folder.reading import read_folder
from repot.folder.text import Reading, Statement, Trouble, read_script
from repot.model.finding import Finding, error
from repot.model.folder import Migration, MigrationFolder


@dataclass(frozen=True)
class Page:
    """One migration and its scripts as they were read."""

    migration: Migration
    up: Reading
    down: Reading | None

    @property
    def name(self) -> str:
        return self.migration.name

    @property
    def file(self) -> str:
        return self.migration.up.file

    @property
    def statements(self) -> tuple[Statement, ...]:
        return self.up.statements


@dataclass(frozen=True)
class Book:
    """The folder, its pages in the order in which they are to run, and what is wrong with the files
    themselves: their names, their order, and all that is not SQL."""

    folder: MigrationFolder
    pages: tuple[Page, ...]
    findings: tuple[Finding, ...]

    def get(self, name: str) -> Page | None:
        """The page of the migration of that name."""
        return self._by_name.get(name)

    @cached_property
    def _by_name(self) -> dict[str, Page]:
        return {page.name: page for page in self.pages}


def open_book(path: Path) -> Book:
    """Read and parse the folder at `path`; no database is needed.

    Raises UsageError `no-migrations`, `order-invalid`.
    """
    folder, found = read_folder(path)
    findings = list(found)
    pages = []
    for migration in folder.migrations:
        page = Page(
            migration,
            read_script(migration.up),
            read_script(migration.down) if migration.down else None,
        )
        for reading in (page.up, page.down):
            if reading is not None:
                findings += [of_trouble(t, reading.script.file) for t in reading.troubles]
        pages.append(page)
    return Book(folder, tuple(pages), tuple(findings))


def of_trouble(trouble: Trouble, file: str) -> Finding:
    """A trouble of a text as a finding."""
    hint = trouble.hint
    if trouble.cut is not None:
        hint += "; `repot migrate fix` shows the cut and makes it"
    return error(trouble.code, trouble.message, file=file, line=trouble.line, hint=hint)
