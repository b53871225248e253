"""The rules over the texts of a folder; no database is needed."""

from __future__ import annotations

from repot.folder.book import Book
from repot.folder.rules import (
    columns,
    dialects,
    enums,
    extensions,
    keys,
    order_of_objects,
    transactions,
    ways_back,
)
from repot.folder.rules.rule import Rule
from repot.folder.rules.story import tell
from repot.model.finding import Finding, Severity

RULES: tuple[Rule, ...] = (
    *order_of_objects.RULES,
    *enums.RULES,
    *transactions.RULES,
    *dialects.RULES,
    *extensions.RULES,
    *keys.RULES,
    *columns.RULES,
    *ways_back.RULES,
)


def examine(book: Book, applied: frozenset[str] = frozenset()) -> tuple[Finding, ...]:
    """What the rules find in the folder, rule by rule.

    applied: names of migrations that the database has. What would have made those fail has not:
    it is an information. Only what lasts (a key that can never work) is as grave as ever.
    """
    story = tell(book)
    done = {page.file for page in book.pages if page.name in applied}
    return tuple(
        finding.model_copy(update={"severity": Severity.INFO})
        if finding.file in done and not rule.lasting
        else finding
        for rule in RULES
        for finding in rule.findings(story)
    )


__all__ = ["RULES", "Rule", "examine"]
