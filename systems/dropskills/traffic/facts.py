"""What a writer knows of the rows that it wrote: states, changes to them, and V1's spellings.

A state is kept in canonical form, V2's vocabulary, which both dialects can be held against. Where
V1 spells a value in its own way (PREMIUM for USER, 19.989999999999998 for 19.99), that spelling is
kept as `raw` until V2 writes the column: V1 must show it again after a rollback.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from typing import Any

Key = tuple[str, ...]  # kind, then the keys of the row: ("favorite", user, product)
Cols = Mapping[str, Any]

# Columns that name another entity: who goes takes these along, or is taken out of them.
REFERENCES = ("user", "product", "admin")
# Kinds that lean on two others; they may have been there before the writer came.
LINKS = frozenset({"favorite", "tagged", "owned", "vote"})


@dataclass(frozen=True)
class State:
    """A row that is there: its columns in canonical form, and V1's own spelling of some."""

    cols: Cols
    raw: Cols = field(default_factory=dict)


class Orphan(Enum):
    """A link whose other end is gone. V1, which has no foreign key there, may have kept it; V2 must
    not show it."""

    LINK = "orphan"


Option = State | Orphan | None  # None: the row is gone
States = dict[Key, tuple[Option, ...]]  # more than one: the outcome of a write is unknown


@dataclass(frozen=True)
class Change:
    """What one statement does to one row, once it is committed.

    `cols` None: the row goes, or becomes an `orphan`. `new`: there was no such row before. `add`:
    this much more in a counter that all writers share; it has no state of its own.
    """

    key: Key
    cols: Cols | None = None
    raw: Cols = field(default_factory=dict)
    new: bool = False
    orphan: bool = False
    add: int = 0

    def on(self, before: Option) -> Option:
        """The state after it."""
        if self.cols is None:
            return Orphan.LINK if self.orphan else None
        if not isinstance(before, State):
            return State(self.cols, self.raw)
        kept = {name: value for name, value in before.raw.items() if name not in self.cols}
        return State({**before.cols, **self.cols}, {**kept, **self.raw})


def apply(states: States, changes: Iterable[Change], *, sure: bool = True) -> None:
    """Write `changes` down, in order. Not `sure`: what was before stays possible as well."""
    before: States = {}
    for change in changes:
        key = change.key
        if change.add:
            continue
        was = states.get(key)
        before.setdefault(key, (None,) if was is None and change.new else was or ())
        if was is not None or sure or change.new:
            states[key] = tuple(change.on(option) for option in was or (None,))
    if not sure:
        for key, was in before.items():
            if key in states:
                states[key] = (*was, *(o for o in states[key] if o not in was))


def ids_of(key: Key, option: Option) -> set[str]:
    """The entities that a row is about: its own keys and those that its columns name."""
    named = (option.cols.get(n) for n in REFERENCES) if isinstance(option, State) else ()
    return {*key[1:], *(str(value) for value in named if value is not None)}


# ------------------------------------------------------------------------------- V1's spellings


def role(spelled: str) -> str:
    """What moves/users.sql makes of a role."""
    return spelled if spelled in ("ADMIN", "SUPER_ADMIN") else "USER"


def standing(spelled: str) -> str:
    """What moves/users.sql makes of a status."""
    upper = spelled.upper()
    return upper if upper in ("ACTIVE", "INACTIVE") else "SUSPENDED"


def state(spelled: str) -> str:
    """What moves/packs.sql makes of "status|visibility"."""
    status, _, visibility = spelled.partition("|")
    if status in ("ACTIVE", "PUBLISHED"):
        return "PUBLISHED" if visibility == "PUBLIC" else "DRAFT"
    return "DRAFT" if status == "DRAFT" else "ARCHIVED"


def cents(price: float | str | Decimal) -> str:
    """A price in whole cents, as PostgreSQL prints a numeric(10,2)."""
    rounded = Decimal(str(price)).quantize(Decimal("0.01"))
    return str(rounded or abs(rounded))  # of a zero, the sign goes


def idea_tags(text: str | None) -> Any:
    """What moves/trending_ideas.sql makes of tags: flat JSON as it is, all else as {"raw": …}."""
    if text is None:
        return None
    # Escapes that jsonb refuses, or that the move leaves alone.
    if re.search(r"\\u(?:0000|[dD][89a-fA-F])", re.sub(r'\\["\\/bfnrt]', "", text)):
        return {"raw": text}
    try:
        found = json.loads(text)
    except ValueError:
        return {"raw": text}
    inside = found.values() if isinstance(found, dict) else found if isinstance(found, list) else ()
    flat = not any(isinstance(value, list | dict) for value in inside)
    return found if flat and not (isinstance(found, dict) and "raw" in found) else {"raw": text}


_SPELLED: dict[tuple[str, str], Callable[[Any], Any]] = {
    ("user", "role"): role,
    ("user", "status"): standing,
    ("product", "state"): state,
    ("pack", "price"): cents,
    ("idea", "tags"): idea_tags,
}


def of_v1(kind: str, row: Cols) -> State:
    """A row that V1 shows, in canonical form and with V1's spellings."""
    cols, raw = dict(row), {}
    for name, value in row.items():
        canonical = _SPELLED.get((kind, name))
        if canonical is not None and value is not None:
            cols[name] = canonical(value)
            raw[name] = float(value) if (kind, name) == ("pack", "price") else value
    return State(cols, raw)
