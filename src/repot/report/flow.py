"""The row flow as a picture: V1's tables on the left, V2's on the right, bands of rows between.

Band widths grow with the square root of the rows, so that small tables are to be seen beside large
ones; the exact figures stand beside them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt

from repot.model.results import Account

WIDTH, LABEL, GAP, LEAST, MOST = 860, 210, 14, 4.0, 46.0


@dataclass(frozen=True)
class Node:
    """A table: its box and its label."""

    name: str
    rows: int
    y: float
    height: float


@dataclass(frozen=True)
class Band:
    """Rows of one table that went into another; `path` is an SVG path."""

    source: str
    target: str
    rows: int
    path: str


@dataclass(frozen=True)
class Flow:
    """Everything the template draws."""

    width: int
    height: float
    left: tuple[Node, ...]
    right: tuple[Node, ...]
    bands: tuple[Band, ...]
    label: int = LABEL


Edge = tuple[str, str, int]  # V1 table, V2 table, rows
Thickness = Callable[[int], float]

LEFT_OUT = "left out (quarantine)"
LEFT_BEHIND = "left behind"


def draw(accounts: tuple[Account, ...]) -> Flow:
    """Lay the picture out: nodes stacked in order, bands between them as curves."""
    edges: list[Edge] = []
    for account in accounts:
        edges += [(account.table, target, rows) for target, rows in account.into.items() if rows]
        if account.left:
            where = LEFT_OUT if account.quarantined else LEFT_BEHIND
            edges.append((account.table, where, account.left))
    most = max((rows for *_, rows in edges), default=1)

    def thickness(rows: int) -> float:
        return max(LEAST, MOST * sqrt(rows / most))

    counted = {account.table: account.rows for account in accounts}
    left = _stack(list(counted), edges, 0, counted, thickness)
    names = list(dict.fromkeys(target for _, target, _ in edges))
    totals = {n: sum(rows for _, t, rows in edges if t == n) for n in names}
    right = _stack(names, edges, 1, totals, thickness)
    height = max([node.y + node.height for node in (*left, *right)], default=0) + GAP
    return Flow(WIDTH, height, left, right, _bands(edges, left, right, thickness))


def _stack(
    names: list[str], edges: list[Edge], side: int, totals: dict[str, int], thickness: Thickness
) -> tuple[Node, ...]:
    nodes, y = [], float(GAP)
    for name in names:
        bands = [thickness(edge[2]) for edge in edges if edge[side] == name]
        height = max(sum(bands), LEAST + 8)
        nodes.append(Node(name, totals[name], y, height))
        y += height + GAP
    return tuple(nodes)


def _bands(
    edges: list[Edge], left: tuple[Node, ...], right: tuple[Node, ...], thickness: Thickness
) -> tuple[Band, ...]:
    starts = {node.name: node.y for node in left}
    ends = {node.name: node.y for node in right}
    x0, x1 = LABEL, WIDTH - LABEL
    middle = (x0 + x1) / 2
    bands = []
    for source, target, rows in edges:
        size = thickness(rows)
        a, b = starts[source], ends[target]
        starts[source] += size
        ends[target] += size
        path = (
            f"M{x0},{a:.1f} C{middle},{a:.1f} {middle},{b:.1f} {x1},{b:.1f} "
            f"L{x1},{b + size:.1f} C{middle},{b + size:.1f} {middle},{a + size:.1f} "
            f"{x0},{a + size:.1f} Z"
        )
        bands.append(Band(source, target, rows, path))
    return tuple(bands)
