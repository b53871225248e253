"""Keys and conditions of one table, as planned and as they are. Another name is no change."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator

from repot.engine.drift.change import column
from repot.model.catalog import ForeignKey, Table

FORBIDDING = ("a", "r")  # NO ACTION, RESTRICT


def unique_changes(planned: Table, now: Table) -> Iterator[str]:
    """Unique keys that are gone; the primary key is compared elsewhere."""
    there = {(u.columns, u.nulls_not_distinct) for u in now.uniques}
    for unique in planned.uniques:
        if not unique.primary and (unique.columns, unique.nulls_not_distinct) not in there:
            yield f"the unique key {_list(unique.columns)} was dropped"


def foreign_key_changes(
    planned: Table, now: Table, *, may_be_gone: Callable[[ForeignKey], bool]
) -> Iterator[str]:
    """Foreign keys that are gone, or new: one that cascades writes where Repot does not look.

    may_be_gone: Repot has taken it off itself.
    """
    old = {_parts(key): key for key in planned.foreign_keys}
    new = {_parts(key): key for key in now.foreign_keys}
    for parts, key in old.items():
        if parts not in new and not may_be_gone(key):
            yield f"the foreign key {_words(key)} was dropped or changed"
    for parts, key in new.items():
        if parts not in old:
            yield f"the foreign key {_words(key)} was added"


def check_changes(planned: Table, now: Table, moving: Collection[str]) -> Iterator[str]:
    """CHECK constraints that do not hold any more."""
    names = {c.name for c in now.checks}
    conditions = {bare(c.expression, moving) for c in now.checks}
    for check in planned.checks:
        if bare(check.expression, moving) not in conditions:
            fate = "changed" if check.name in names else "dropped"
            yield f"the constraint {column(check.name)} was {fate}"


def bare(text: str, moving: Collection[str]) -> str:
    """A type or expression, as the server prints it, without the names of schemas between which
    the swap moves things."""
    for schema in moving:
        for prefix in (schema, column(schema)):
            text = re.sub(r"(?<![\w.\"])" + re.escape(prefix) + r"\.", "", text)
    return text


def _parts(key: ForeignKey) -> tuple[object, ...]:
    """All that counts of it; its actions and its timing are the end of its definition."""
    end = key.definition.partition(" ON ")[2].removesuffix(" NOT VALID")
    return (key.columns, key.references, key.referenced, key.on_delete, key.deferrable, end)


def _words(key: ForeignKey) -> str:
    return f"{_list(key.columns)} to {key.references}"


def _list(columns: tuple[str, ...]) -> str:
    return "(" + ", ".join(column(c) for c in columns) + ")"
