"""Foreign keys of V2 under which rows cannot exchange values."""

from __future__ import annotations

from collections.abc import Sequence

from repot.model.finding import Finding, warning
from repot.model.plan import Derivation
from repot.moves.workshop import Workshop


def check_keys(shop: Workshop, moves: Sequence[Derivation]) -> list[Finding]:
    """Keys that refer to another unique value than the row's own key, and act (or RESTRICT).

    Two rows that exchange such values would have to give them up in between, or to go and to come
    again: the key would act on the rows that refer to them, or forbid it. All else is written.
    """
    by_table = {move.table: move for move in moves}
    found = []
    for child in moves:
        table = shop.target.get(child.table)
        for key in table.foreign_keys if table else ():
            parent = by_table.get(key.references)
            if parent is None or set(key.referenced) <= set(parent.key) or key.on_delete == "a":
                continue
            found.append(
                warning(
                    "values-cannot-change-hands",
                    f"{key.name} of {child.name} refers to {parent.name} "
                    f"({', '.join(key.referenced)}), and does more than check: rows of "
                    f"{parent.name} that exchange these values will be set aside",
                    file="target.sql",
                    object=f"{child.name}.{key.name}",
                    hint="leave ON DELETE away (NO ACTION), or let it refer to the primary key",
                )
            )
    return found
