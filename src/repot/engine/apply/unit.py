"""Which tables' rows can only be written by one statement, at whose end the keys are checked.

No order of statements does where foreign keys that cannot be deferred go in a circle, where a table
refers to itself, or where a key refers to another unique value than the row's own key: that value
changes under the rows that refer to it, or goes on in a row with another key.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter

from repot.engine.apply.work import Work


@dataclass(frozen=True)
class Unit:
    """Works that are written together; `at_once`: by one statement."""

    works: tuple[Work, ...]
    at_once: bool

    @property
    def wants(self) -> int:
        return sum(work.wants for work in self.works)

    @property
    def dooms(self) -> int:
        return sum(work.dooms for work in self.works)

    def writes(self, name: str) -> bool:
        """Whether the derivation of that name is one of them."""
        return any(work.derivation.name == name for work in self.works)


def units(works: Sequence[Work]) -> list[Unit]:
    """All of the works, those first that others refer to."""
    needs = _needs(works)
    reached = {name: _reached(name, needs) for name in needs}
    circles = {n: frozenset(m for m in reached[n] if n in reached[m]) | {n} for n in needs}
    order = TopologicalSorter(
        {
            circle: {circles[m] for n in circle for m in needs[n]} - {circle}
            for circle in circles.values()
        }
    )
    found = []
    for circle in order.static_order():
        mine = tuple(w for w in works if w.derivation.name in circle)
        at_once = len(mine) > 1 or any(refers_to_itself(w) or watched(w) for w in mine)
        found.append(Unit(mine, at_once))
    return found


def refers_to_itself(work: Work) -> bool:
    return any(key.references == work.derivation.table for key in work.description.foreign_keys)


def watched(work: Work) -> list[tuple[str, ...]]:
    """The unique values, other than its key, by which rows of derived tables refer to a row."""
    key, written = set(work.derivation.key), set(work.columns)
    found = (child.key.referenced for child in work.children)
    return [*dict.fromkeys(r for r in found if not set(r) <= key and set(r) <= written)]


def _needs(works: Sequence[Work]) -> dict[str, set[str]]:
    """By name, which tables must be written before or with it. Keys that may wait, do."""
    by_table = {w.derivation.table: w for w in works}
    needs: dict[str, set[str]] = {w.derivation.name: set() for w in works}
    for work in works:
        for key in work.description.foreign_keys:
            parent = by_table.get(key.references)
            if parent is None or parent is work or key.deferrable:
                continue
            needs[work.derivation.name].add(parent.derivation.name)
            if watched(parent):
                needs[parent.derivation.name].add(work.derivation.name)
    return needs


def _reached(name: str, needs: dict[str, set[str]]) -> frozenset[str]:
    found: set[str] = set()
    stack: list[Iterable[str]] = [needs[name]]
    while stack:
        for each in stack.pop():
            if each not in found:
                found.add(each)
                stack.append(needs[each])
    return frozenset(found)
