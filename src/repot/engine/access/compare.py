"""V1's matrix beside V2's: what changes for whom."""

from __future__ import annotations

from repot.engine.access.judge import UNKNOWN
from repot.engine.access.words import by_cell
from repot.model.access import NONE, Access, Change, Comparison

GONE = "-"  # the table is not there


def compare(before: Access, after: Access) -> Comparison:
    """The cells that differ, table by table."""
    old, new = by_cell(before), by_cell(after)
    changes = []
    for key in dict.fromkeys((*new, *old)):
        table, identity, operation = key
        was, is_ = old.get(key, GONE), new.get(key, GONE)
        if was != is_ and not {was, is_} <= {GONE, NONE, UNKNOWN}:
            changes.append(
                Change(table=table, identity=identity, operation=operation, before=was, after=is_)
            )
    return Comparison(before=before, after=after, changes=tuple(changes))
