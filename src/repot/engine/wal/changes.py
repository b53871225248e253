"""Changes as rows of a log: what the trigger would have written for them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from repot.engine.capture import Captured
from repot.engine.wal.decode import UNCHANGED, Delete, Insert, Relation, Row, Update

# COPY's text format (PostgreSQL's documentation of COPY, "Text Format")
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})

Values = tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Where a relation's messages hold the columns that a log keeps; None: nowhere."""

    captured: Captured
    positions: tuple[int | None, ...]
    told: tuple[bool, ...]  # whether the old value is told


def wanted(relation: Relation, captured: Captured) -> Wanted:
    """By name: a partition may have its columns in another order."""
    places = {c.name: n for n, c in enumerate(relation.columns)}
    positions = tuple(places.get(c) for c in captured.columns)
    told = tuple(p is not None and relation.columns[p].key for p in positions)
    return Wanted(captured, positions, told)


def nowhere(captured: Captured) -> Wanted:
    """Nothing of it is told: whatever changes, all of the table must count as changed."""
    return Wanted(captured, (None,) * len(captured.columns), (False,) * len(captured.columns))


def keys(change: Insert | Update | Delete, what: Wanted) -> tuple[str, list[Values]] | None:
    """The operation and the rows to log; None: the message does not hold all that is needed, so
    all of the table must count as changed."""
    if isinstance(change, Insert):
        new = _new(change.new, None, what)
        return None if new is None else ("I", [new])
    if isinstance(change, Delete):
        old = _old(change.old, what)
        return None if old is None else ("D", [old])
    new = _new(change.new, change.old, what)
    if new is None or not all(what.told):
        return None
    # Without an old row the identity did not change, and the captured columns are part of it.
    old = new if change.old is None else _old(change.old, what)
    if old is None:
        return None
    return "U", [old] if old == new else [old, new]


def _new(row: Row, old: Row | None, what: Wanted) -> Values | None:
    values = []
    for position, told in zip(what.positions, what.told, strict=True):
        if position is None:
            return None
        value = row[position]
        if value is UNCHANGED and told and old is not None:
            value = old[position]
        if value is UNCHANGED:
            return None
        values.append(value)
    return tuple(values)


def _old(row: Row, what: Wanted) -> Values | None:
    values = []
    for position, told in zip(what.positions, what.told, strict=True):
        if position is None or not told or row[position] is UNCHANGED:
            return None
        values.append(row[position])
    return tuple(v for v in values if v is not UNCHANGED)


def line(op: str, values: Values, at: datetime) -> bytes:
    """One row of the log for COPY: op, c1 … cn, at."""
    texts = ["\\N" if v is None else v.translate(_ESCAPES) for v in values]
    return "\t".join((op, *texts, at.isoformat())).encode("utf-8", "surrogateescape") + b"\n"
