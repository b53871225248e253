"""What a data rule is: it looks at one change and at the rows that the change would find.

Its condition, effect and remedy are in words, and it shows a bad and a good file over the same
data. The tests run both on a real server, and the reference of rules is made from here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from repot.folder.data.changes import Change
from repot.folder.data.world import World
from repot.folder.settings import Settings
from repot.model.finding import Finding, Severity


@dataclass(frozen=True)
class Moment:
    """A change, the database just before it, and what the project declares."""

    change: Change
    world: World
    settings: Settings
    file: str = ""


@dataclass(frozen=True)
class Hit:
    """What a rule found; `message` says what is there, with its names; count: rows concerned.

    severity, hint: where they are not the rule's own.
    """

    message: str
    object: str
    count: int | None = None
    examples: tuple[str, ...] = ()
    severity: Severity | None = None
    hint: str | None = None


@dataclass(frozen=True)
class DataRule:
    """One rule over a change and the data.

    data: a database, as SQL; bad, good: the pending files, in order, over the same data; bad_down,
    good_down: the way back of an applied migration, where the rule is about those; refused: the
    SQLSTATE with which PostgreSQL refuses the bad one, empty where it does not; keep: what the
    project declares to be kept.
    """

    id: str
    severity: Severity
    condition: str
    effect: str
    remedy: str
    data: str
    bad: tuple[str, ...]
    good: tuple[str, ...]
    find: Callable[[Moment], Iterable[Hit]]
    refused: str = ""
    keep: tuple[str, ...] = ()
    bad_down: str = ""
    good_down: str = ""

    def finding(self, hit: Hit, file: str, line: int) -> Finding:
        """What it found, at its place."""
        return Finding(
            code=self.id,
            severity=hit.severity or self.severity,
            message=hit.message,
            hint=hit.hint or self.remedy,
            file=file,
            line=line,
            object=hit.object,
            count=hit.count,
            examples=hit.examples,
        )
