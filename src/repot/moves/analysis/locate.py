"""The SELECT by which a change of a looked-up table finds the scopes that look it up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product

from repot.moves.analysis import ast
from repot.moves.analysis.ast import pb
from repot.moves.analysis.bind import Binding, Bindings, useful
from repot.moves.analysis.graph import Graph, Rel

_MOST = 32  # SELECTs joined by UNION ALL


class TooMany(Exception):
    """More ways to reach the table than are worth following."""


def locate(
    graph: Graph,
    bindings: Bindings,
    scope: tuple[str, ...],
    rel: Rel,
    fixed: Mapping[str, pb.Node],
) -> tuple[tuple[str, ...], pb.SelectStmt]:
    """The columns to capture, and the SELECT of the scope and then their values.

    It reads only appearances bound before `rel`, never `rel` itself, joined by nothing but the
    equalities that bind them: what else the view asks of them could only narrow the answer, and
    the rows asked about may be gone. Inner joins are right for tables of outer joins as well: a
    row that was not matched gives NULLs, and those equal nothing.

    :param fixed: scope columns that are constants in this arm
    :raises TooMany: where the alternatives (COALESCE, CASE) multiply.
    """
    mine = bindings.bound[rel.id]
    bound = [name for name in scope if name not in fixed]
    columns = useful(rel, mine)
    selects: list[pb.SelectStmt] = []
    for chosen in product(*(mine[c].values or (None,) for c in columns)):
        needed = [r for value in chosen if value is not None for r in sorted(value.rels)]
        for rels, conditions in _paths(graph, bindings, needed, {}, []):
            for scopes, all_rels, all_conditions in _scopes(bindings, graph, rels, conditions):
                given = {**fixed, **dict(zip(bound, scopes, strict=True))}
                targets = [ast.target(given[name], name) for name in scope]
                for number, (name, value) in enumerate(zip(columns, chosen, strict=True), start=1):
                    node = value.node if value is not None else scopes[min(mine[name].scope)]
                    targets.append(ast.target(node, f"repot_link_{number}"))
                selects.append(ast.query(targets, _sources(graph, all_rels), all_conditions))
                if len(selects) > _MOST:
                    raise TooMany
    return columns, ast.union_all(selects)


def _paths(
    graph: Graph,
    bindings: Bindings,
    agenda: list[int],
    seen: dict[int, None],
    conditions: list[pb.Node],
) -> Iterator[tuple[dict[int, None], list[pb.Node]]]:
    """The appearances needed and the equalities between them, a way for each alternative value."""
    agenda = [r for r in agenda if r not in seen]
    if not agenda:
        yield seen, conditions
        return
    rel = graph.rels[agenda[0]]
    seen, rest = {**seen, rel.id: None}, agenda[1:]
    if rel.table is None:
        yield from _paths(graph, bindings, [*rest, *sorted(rel.depends)], seen, conditions)
        return
    mine = bindings.bound.get(rel.id, {})
    columns = () if bindings.identity(rel.id) is not None else useful(rel, mine)
    columns = tuple(c for c in columns if not mine[c].scope and not _is_constant(mine[c]))
    for chosen in product(*(mine[c].values for c in columns)):
        more = [
            ast.equals(ast.column(rel.own, name), value.node)
            for name, value in zip(columns, chosen, strict=True)
        ]
        # Constants narrow the answer and cost nothing; in an arm of a UNION they may be all that
        # tells its rows from those of another, also of a driver, which needs them for nothing else.
        more += constants(graph, rel)
        reached = [r for value in chosen for r in sorted(value.rels)]
        yield from _paths(graph, bindings, [*rest, *reached], seen, [*conditions, *more])


def _is_constant(binding: Binding) -> bool:
    return not binding.scope and len(binding.values) == 1 and not binding.rels


def constants(graph: Graph, rel: Rel) -> list[pb.Node]:
    """Conditions on the appearance: its columns that must equal one constant."""
    found: dict[str, pb.Node] = {}
    for atom in graph.atoms:
        values = atom.source.values or ()
        if atom.target.rel == rel.id and len(values) == 1 and not values[0].rels:
            found.setdefault(atom.target.name, values[0].node)
    return [ast.equals(ast.column(rel.own, name), node) for name, node in found.items()]


def _scopes(
    bindings: Bindings, graph: Graph, rels: dict[int, None], conditions: list[pb.Node]
) -> Iterator[tuple[list[pb.Node], dict[int, None], list[pb.Node]]]:
    """The scope's columns as the appearances have them; drivers are added where some are missing
    (each row of the arm has a row of one of them)."""
    found = _owned(bindings, graph, rels)
    if len(found) == bindings.width:
        yield [found[i][0] for i in range(bindings.width)], rels, [*conditions, *_tied(found)]
        return
    for driver in bindings.drivers:
        wider = {driver: None, **rels}
        found = _owned(bindings, graph, wider)
        more = [*_tied(found), *([] if driver in rels else constants(graph, graph.rels[driver]))]
        yield [found[i][0] for i in range(bindings.width)], wider, [*conditions, *more]


def _owned(bindings: Bindings, graph: Graph, rels: dict[int, None]) -> dict[int, list[pb.Node]]:
    found: dict[int, list[pb.Node]] = {}
    for rel in rels:
        for number, name in bindings.scope_columns(rel).items():
            found.setdefault(number, []).append(ast.column(graph.rels[rel].own, name))
    return found


def _tied(found: dict[int, list[pb.Node]]) -> list[pb.Node]:
    return [ast.equals(nodes[0], other) for nodes in found.values() for other in nodes[1:]]


def _sources(graph: Graph, rels: dict[int, None]) -> list[pb.Node]:
    tables, computed = [], []
    for number in sorted(rels):
        rel = graph.rels[number]
        if rel.table is not None:
            tables.append(ast.relation(rel.table.name.schema_, rel.table.name.name, rel.own))
        elif rel.item is not None:
            computed.append(rel.item)
    return tables + computed
