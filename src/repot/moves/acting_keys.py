"""Unique values of V2 that rows cannot take from each other."""

from __future__ import annotations

from collections.abc import Sequence

from repot.model.finding import Finding, warning
from repot.model.plan import Derivation
from repot.moves.workshop import Workshop


def check_keys(shop: Workshop, moves: Sequence[Derivation]) -> list[Finding]:
    """Keys that refer to another unique value than the row's own key, in tables to which a key
    acts (or is RESTRICT).

    Rows that exchange such values must give them up in between: a value that others refer to cannot
    be parked, and where a key acts they cannot go and come again either. All else is written.
    """
    acting = {
        key.references: key.name
        for table in shop.target.tables
        for key in table.foreign_keys
        if key.on_delete != "a"
    }
    by_table = {move.table: move for move in moves}
    found = []
    for child in moves:
        table = shop.target.get(child.table)
        for key in table.foreign_keys if table else ():
            parent = by_table.get(key.references)
            if parent is None or parent.table not in acting:
                continue
            if set(key.referenced) <= set(parent.key):
                continue
            found.append(
                warning(
                    "values-cannot-change-hands",
                    f"{key.name} of {child.name} refers to {parent.name} "
                    f"({', '.join(key.referenced)}): rows of {parent.name} that take these values "
                    f"from each other will be set aside, as {acting[parent.table]} does more than "
                    "check",
                    file="target.sql",
                    object=f"{child.name}.{key.name}",
                    hint=f"leave ON DELETE away from {acting[parent.table]}, or refer to the "
                    "primary key",
                )
            )
    return found
