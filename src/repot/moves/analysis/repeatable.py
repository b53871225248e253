"""Queries whose answer depends on the order in which rows happen to be stored."""

from __future__ import annotations

from repot.moves.analysis.ast import everything, inner, pb
from repot.moves.analysis.functions import called, outside_subqueries

_ORDERED = frozenset(
    {"array_agg", "json_agg", "jsonb_agg", "string_agg", "xmlagg", "json_object_agg"}
)


def unordered(select: pb.SelectStmt) -> list[str]:
    """What in the query takes rows in no stated order: such a view may change without a write."""
    found: list[str] = []
    for each in everything(select):
        if isinstance(each, pb.SelectStmt):
            found += _in(each)
        elif isinstance(each, pb.SubLink) and each.sub_link_type == pb.ARRAY_SUBLINK:
            query = each.subselect.select_stmt
            if query.op == pb.SETOP_NONE and not query.sort_clause and query.from_clause:
                found.append("ARRAY(SELECT …)")
    return list(dict.fromkeys(found))


def _in(select: pb.SelectStmt) -> list[str]:
    found = []
    if select.HasField("limit_count") and not select.sort_clause:
        found.append("LIMIT")
    if any(n.WhichOneof("node") for n in select.distinct_clause) and not select.sort_clause:
        found.append("DISTINCT ON")
    if not _reads_in_order(select):
        for node in (*select.target_list, select.having_clause):
            for each in outside_subqueries(node):
                if isinstance(each, pb.FuncCall) and called(each) in _ORDERED:
                    ordered = bool(each.agg_order) or each.HasField("over")
                    found += [] if ordered else [called(each)]
    return found


def _reads_in_order(select: pb.SelectStmt) -> bool:
    """Aggregates over one ordered subquery take its order."""
    items = [inner(n) for n in select.from_clause]
    return (
        len(items) == 1
        and isinstance(items[0], pb.RangeSubselect)
        and bool(items[0].subquery.select_stmt.sort_clause)
    )
