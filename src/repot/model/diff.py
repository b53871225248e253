"""How two databases differ, object by object."""

from __future__ import annotations

from enum import StrEnum

from repot.model.base import Value
from repot.model.errors import Exit
from repot.model.finding import Finding


class Side(StrEnum):
    """Where an object is."""

    EXPECTED = "expected"  # only in what the folder makes (or in the first database)
    FOUND = "found"  # only in the database (or in the second one)
    BOTH = "both"  # in both, and not the same


class Change(Value):
    """One property; None: there is none."""

    expected: str | None
    found: str | None


class Difference(Value):
    """One object. changes: by property, where it is in both; parts: of a table that is on one side
    only, how many objects of which kind go with it."""

    kind: str
    name: str
    side: Side
    changes: dict[str, Change] = {}
    parts: dict[str, int] = {}


class Diff(Value):
    """compared: how many objects were looked at, on both sides together."""

    expected: str
    found: str
    differences: tuple[Difference, ...]
    compared: int
    findings: tuple[Finding, ...] = ()

    @property
    def exit(self) -> Exit:
        return Exit.FAILED if self.differences else Exit.DONE
