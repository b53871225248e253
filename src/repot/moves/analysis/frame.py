"""Pieces of FROM: places, column lists, and items that other queries can repeat."""

from __future__ import annotations

from dataclasses import dataclass

from repot.model.plan import Role
from repot.moves.analysis.ast import copy, inner, pb, rewrite, words
from repot.moves.analysis.env import Env
from repot.moves.analysis.graph import Graph, Rel, Resolved

Columns = list[tuple[str, Resolved]]


@dataclass(frozen=True)
class Place:
    """Where a query stands: what its tables are to the arm."""

    top: bool = False  # the arm itself
    spine: bool = True  # a row of the arm needs a row of each table here
    role: Role = Role.JOINED
    filtering: bool = False


def reproduced(node: pb.Node, rel: Rel, env: Env, graph: Graph) -> pb.Node | None:
    """The item under its own alias, over the tables' own aliases; None if that cannot be."""
    if rel.depends & graph.nulled:
        return None  # it may make rows of a NULL, where the table has none
    twin, failed = copy(node), False

    def change(inside: pb.Node) -> pb.Node | None:
        nonlocal failed
        failed |= inside.HasField("sub_link")
        if not inside.HasField("column_ref"):
            return None
        values = env.lookup(inside.column_ref)[0].values
        if values is None or len(values) != 1:
            failed = True
            return inside
        return copy(values[0].node)

    rewrite(twin, change)
    held = inner(twin)
    assert isinstance(held, pb.RangeSubselect | pb.RangeFunction | pb.RangeTableFunc | pb.JsonTable)
    held.alias.aliasname = rel.own
    if isinstance(held, pb.RangeSubselect | pb.RangeFunction):
        held.lateral = bool(rel.depends)
    return None if failed else twin


def renamed(columns: Columns, alias: pb.Alias) -> Columns:
    names = words(alias.colnames)
    return [(n, c) for n, (_, c) in zip(names, columns, strict=False)] + columns[len(names) :]


def implied(node: pb.Node) -> str:
    """The column's name where the query gives none: a column's own; '' where it is not a name."""
    held = inner(node)
    return (words(held.fields) or ("",))[-1] if isinstance(held, pb.ColumnRef) else ""
