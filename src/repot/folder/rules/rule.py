"""What a rule is: it names its condition, its effect, its remedy, and shows a bad and a good file.

The tests run both, and the reference of rules is made from here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from repot.folder.book import Book, Page
from repot.folder.text import Statement
from repot.model.finding import Finding, Severity


@dataclass(frozen=True)
class Rule:
    """One rule over the texts of a folder; no database is needed.

    bad, good: migrations in order, each the text of one file; `bad` is what the rule finds, `good`
    is the same change as it should be written.
    """

    id: str
    severity: Severity
    condition: str
    effect: str
    remedy: str
    bad: tuple[str, ...]
    good: tuple[str, ...]
    find: Callable[[Book], Iterable[Hit]]

    def findings(self, book: Book) -> Iterator[Finding]:
        """All places of the folder that the rule means."""
        for hit in self.find(book):
            yield Finding(
                code=self.id,
                severity=self.severity,
                message=hit.message,
                hint=self.remedy,
                file=hit.file,
                line=hit.line,
                object=hit.object,
            )


@dataclass(frozen=True)
class Hit:
    """A place that a rule means; `message` says what is there, with its names."""

    file: str
    line: int
    message: str
    object: str | None = None


def at(page: Page, statement: Statement, message: str, what: str | None = None) -> Hit:
    """A hit at a statement of the migration itself."""
    return Hit(page.file, statement.line, message, what)
