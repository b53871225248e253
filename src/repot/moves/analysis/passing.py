"""Which filters may be applied before a query's own LIMIT, GROUP BY, DISTINCT ON and windows."""

from __future__ import annotations

from repot.moves.analysis.ast import pb, same
from repot.moves.analysis.env import Env
from repot.moves.analysis.expressions import Resolver
from repot.moves.analysis.functions import aggregates, windows
from repot.moves.analysis.graph import Col, Graph, Resolved, has_own_equality


def passes(
    select: pb.SelectStmt, node: pb.Node, result: Resolved, env: Env, resolver: Resolver
) -> bool:
    """Whether a filter on the column that `node` gives may be applied before the other clauses.

    LIMIT needs all rows. GROUP BY, DISTINCT ON and PARTITION BY need together the rows that agree
    in their columns, and no others: so the column must be one of them, or be fixed by them. Where
    'a' and 'A' are equal, one of them may stand for both: then that is not enough.
    """
    graph = resolver.graph
    if select.HasField("limit_count") or select.HasField("limit_offset"):
        graph.obstacles.append("LIMIT or OFFSET")
        return False
    merges = aggregates(select) or bool(select.distinct_clause)
    if (merges or windows(select)) and own_equality(result):
        graph.obstacles.append("a type whose equal values differ")
        return False
    apart = windows(select)
    if aggregates(select):
        apart.append(list(select.group_clause))
    if distinct_on(select):
        apart.append(list(select.distinct_clause))
    for group in apart:
        if any(n.HasField("grouping_set") for n in group):
            graph.obstacles.append("GROUPING SETS")
            return False
        if not _among(node, result, group, env, resolver):
            graph.obstacles.append("GROUP BY, DISTINCT ON or a window over other columns")
            return False
    return True


def _among(
    node: pb.Node, result: Resolved, group: list[pb.Node], env: Env, resolver: Resolver
) -> bool:
    if any(same(node, each) for each in group):
        return True
    col = result.col
    if col is None:
        return False
    cols = {resolver.resolve(each, env).col for each in group}
    table = resolver.graph.rels[col.rel].table
    names = {c.name for c in cols if c is not None and c.rel == col.rel}
    # The primary key in the group fixes the whole row.
    fixed = table is not None and bool(table.primary) and set(table.primary) <= names
    return col in cols or fixed


def own_equality(result: Resolved) -> bool:
    """Whether grouping by the value may merge values that are not the same."""
    return any(has_own_equality(t.column) for t in result.targets)


def distinct_on(select: pb.SelectStmt) -> bool:
    return any(n.WhichOneof("node") for n in select.distinct_clause)


def common_columns(
    select: pb.SelectStmt, outputs: list[Resolved], env: Env, resolver: Resolver
) -> frozenset[Col]:
    """Where the arm makes one row of several: the columns in which those agree."""
    by = list(select.group_clause)
    if distinct_on(select):
        by += select.distinct_clause
    found = [resolver.resolve(n, env) for n in by] if by else outputs
    return _closed({r.col for r in found if r.col is not None}, resolver.graph)


def _closed(cols: set[Col], graph: Graph) -> frozenset[Col]:
    """The columns, and all that equal them."""
    grown = True
    while grown:
        before = len(cols)
        for atom in graph.atoms:
            source = atom.source.col
            if source is not None and {atom.target, source} & cols:
                cols |= {atom.target, source}
        grown = len(cols) > before
    return frozenset(cols)
