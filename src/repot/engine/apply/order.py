"""Parents before children: the order in which rows may be written under foreign keys."""

from __future__ import annotations

from collections.abc import Sequence
from graphlib import CycleError, TopologicalSorter

from repot.model.catalog import Catalog
from repot.model.plan import Derivation


def parents_first(derivations: Sequence[Derivation], catalog: Catalog) -> list[Derivation]:
    """The derivations so that each table comes after those its foreign keys point to.

    In a cycle it is that of the names: no order writes such rows, but one statement does (`unit`).
    """
    by_table = {d.table: d for d in derivations}
    names = {d.name: d for d in derivations}
    graph: dict[str, set[str]] = {name: set() for name in sorted(names)}
    for d in derivations:
        table = catalog.get(d.table)
        for key in table.foreign_keys if table else ():
            parent = by_table.get(key.references)
            if parent is not None and parent.name != d.name:
                graph[d.name].add(parent.name)
    while True:
        try:
            return [names[name] for name in TopologicalSorter(graph).static_order()]
        except CycleError as cycle:
            members = cycle.args[1]
            graph[members[1]].discard(members[0])
