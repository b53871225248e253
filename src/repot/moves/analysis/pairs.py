"""Which source rows an output row is made of, as a SELECT.

The arm itself gives the answer once the source's primary key is carried up through it. A query
that groups carries up all keys of a group, `unnest(array_agg(key))`: so HAVING, and whatever else
decides which groups there are, still holds. A subquery of the SELECT list is joined back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from google.protobuf.message import Message

from repot.moves.analysis import ast
from repot.moves.analysis.ast import everything, inner, pb
from repot.moves.analysis.functions import (
    aggregates,
    called,
    is_aggregate,
    is_set_returning,
    outside_subqueries,
    windows,
)
from repot.moves.analysis.graph import Rel


@dataclass(frozen=True)
class Arm:
    """An arm as it stands, and where in its SELECT list the key's columns are; `fixed`: the scope
    columns that are constants."""

    number: int
    select: pb.SelectStmt
    key: tuple[str, ...]
    positions: tuple[int, ...]
    fixed: dict[str, pb.Node]


class _Cannot(Exception):
    """The key cannot be carried up."""


def pairs(arm: Arm, rel: Rel, *, repeated: bool) -> str | None:
    """The key's columns, then the source's primary key as repot_source_1 …; None where a source
    row cannot be told from an output row.

    :param repeated: a source row may go into an output row several times; it is given once
    """
    select = ast.copy(arm.select)
    shown = [ast.copy(n) for n in select.target_list]
    keys = [shown[i].res_target.val for i in arm.positions]
    del select.target_list[:]
    select.target_list.extend(ast.target(k, n) for k, n in zip(keys, arm.key, strict=True))
    if not _limited(select) and not _distinct_on(select):
        select.ClearField("sort_clause")
    try:
        _carry(select, rel, shown)
    except _Cannot:
        return None
    if repeated or not rel.spine:
        select = _present(select, arm.key, rel, repeated)
    try:
        return ast.text_of(select)
    except ast.Unreadable:
        return None


def _present(select: pb.SelectStmt, key: Sequence[str], rel: Rel, repeated: bool) -> pb.SelectStmt:
    """Without the rows for which an outer join found no source row, and without repeats."""
    names = [*key, *_names(rel)]
    rows = pb.RangeSubselect(alias=pb.Alias(aliasname="repot_rows"))
    rows.subquery.select_stmt.CopyFrom(select)
    whole = ast.query(
        [ast.target(ast.column("repot_rows", n), n) for n in names],
        [pb.Node(range_subselect=rows)],
        [_not_null(ast.column("repot_rows", _names(rel)[0]))],
    )
    if repeated:
        whole.distinct_clause.append(pb.Node())
    return whole


def _carry(select: pb.SelectStmt, rel: Rel, shown: Sequence[pb.Node] = ()) -> bool:
    """Adds the source's key to the query's SELECT list, as repot_source_1 ….

    :param shown: the SELECT list in which subqueries are looked for, where it is not the query's
    :return: whether the query now gives more rows than before
    :raises _Cannot: where that is not possible, or would change which rows there are
    """
    if select.op != pb.SETOP_NONE:
        return _carry_union(select, rel)
    refs: list[pb.Node] = []
    more = False
    for item in select.from_clause:
        if _holds(item, rel):
            refs, more = _from(item, rel)
    if not refs:
        refs, more = _joined_back(select, rel, shown or select.target_list), True
    grouped = aggregates(select)
    if more and (_limited(select) or windows(select) or _distinct_on(select)):
        raise _Cannot  # these would count the rows that were added
    if grouped:
        own = [m for t in select.target_list for m in outside_subqueries(t)]
        own += outside_subqueries(select.having_clause)
        if more and any(is_aggregate(m) and not _ignores_repeats(m) for m in own):
            raise _Cannot
        if _limited(select) or any(is_set_returning(m) for m in own) or _keyed_by_array(rel):
            raise _Cannot
        refs = [_all_of(ref, refs[0]) for ref in refs]
    if select.distinct_clause and _limited(select):
        raise _Cannot
    for ref, name in zip(refs, _names(rel), strict=True):
        select.target_list.append(ast.target(ref, name))
    return more or grouped or bool(select.distinct_clause)


def _carry_union(select: pb.SelectStmt, rel: Rel) -> bool:
    if select.op != pb.SETOP_UNION or (_limited(select) and not select.all):
        raise _Cannot
    mine, other = select.larg, select.rarg
    if not _holds(mine, rel):
        mine, other = other, mine
    more = _carry(mine, rel)
    if more and _limited(select):
        raise _Cannot
    _pad(other, rel)
    return more or not select.all


def _pad(select: pb.SelectStmt, rel: Rel) -> None:
    """Gives the union's other sides NULLs of the key's types."""
    if select.op != pb.SETOP_NONE:
        _pad(select.larg, rel)
        _pad(select.rarg, rel)
        return
    if not select.target_list or rel.table is None:
        raise _Cannot
    name = rel.table.name
    for column, out in zip(rel.table.primary, _names(rel), strict=True):
        none = ast.query(
            [ast.target(ast.column("repot_none", column), column)],
            [ast.relation(name.schema_, name.name, "repot_none")],
            [pb.Node(a_const=pb.A_Const(boolval=pb.Boolean(boolval=False)))],
        )
        link = pb.SubLink(sub_link_type=pb.EXPR_SUBLINK)
        link.subselect.select_stmt.CopyFrom(none)
        select.target_list.append(ast.target(pb.Node(sub_link=link), out))


def _from(node: pb.Node, rel: Rel) -> tuple[list[pb.Node], bool]:
    """The source's key as the FROM item that holds it gives it."""
    item = inner(node)
    if isinstance(item, pb.RangeVar) and rel.table is not None:
        names = list(ast.words(item.alias.colnames))
        shown = names + [c.name for c in rel.table.columns][len(names) :]
        at = [c.name for c in rel.table.columns]
        alias = item.alias.aliasname or item.relname
        return [ast.column(alias, shown[at.index(c)]) for c in rel.table.primary], False
    if isinstance(item, pb.JoinExpr) and item.HasField("alias") and rel.table is not None:
        if not set(rel.table.primary) <= set(rel.shown):
            raise _Cannot
        return [ast.column(*rel.shown[c]) for c in rel.table.primary], False
    if isinstance(item, pb.JoinExpr):
        return _from(item.larg if _holds(item.larg, rel) else item.rarg, rel)
    if isinstance(item, pb.RangeSubselect):
        more = _carry(item.subquery.select_stmt, rel)
        return [ast.column(item.alias.aliasname, n) for n in _names(rel)], more
    raise _Cannot


def _joined_back(select: pb.SelectStmt, rel: Rel, shown: Sequence[pb.Node]) -> list[pb.Node]:
    """Joins a subquery of the SELECT list to the query, for the rows that it reads."""
    links = [m for t in shown for m in outside_subqueries(t) if isinstance(m, pb.SubLink)]
    link = next((m for m in links if _holds(m.subselect, rel)), None)
    if link is None or aggregates(select):
        raise _Cannot
    rows = ast.copy(link.subselect.select_stmt)
    if rows.op != pb.SETOP_NONE or (rows.distinct_clause and _limited(rows)):
        raise _Cannot
    if not _limited(rows):
        rows.ClearField("sort_clause")
        rows.ClearField("distinct_clause")
    del rows.target_list[:]
    _carry(rows, rel)
    item = pb.RangeSubselect(lateral=True, alias=pb.Alias(aliasname="repot_read"))
    item.subquery.select_stmt.CopyFrom(rows)
    select.from_clause.append(pb.Node(range_subselect=item))
    return [ast.column("repot_read", n) for n in _names(rel)]


def _ignores_repeats(message: Message) -> bool:
    """Whether the aggregate gives the same for rows that come several times."""
    repeatable = ("min", "max", "bool_and", "bool_or", "every")
    return isinstance(message, pb.FuncCall) and (
        called(message) in repeatable or message.agg_distinct
    )


def _all_of(ref: pb.Node, first: pb.Node) -> pb.Node:
    """`unnest(array_agg(ref) filter (where first is not null))`: one row for each of the group."""
    gathered = ast.call("array_agg", ref)
    gathered.agg_filter.CopyFrom(_not_null(first))
    return pb.Node(func_call=ast.call("unnest", pb.Node(func_call=gathered)))


def _not_null(node: pb.Node) -> pb.Node:
    return pb.Node(null_test=pb.NullTest(arg=node, nulltesttype=pb.IS_NOT_NULL))


def _names(rel: Rel) -> list[str]:
    count = len(rel.table.primary) if rel.table else 0
    return [f"repot_source_{i}" for i in range(1, count + 1)]


def _holds(message: Message, rel: Rel) -> bool:
    return any(isinstance(m, pb.RangeVar) and m.location == rel.mark for m in everything(message))


def _limited(select: pb.SelectStmt) -> bool:
    return bool(select.HasField("limit_count") or select.HasField("limit_offset"))


def _distinct_on(select: pb.SelectStmt) -> bool:
    return any(n.WhichOneof("node") for n in select.distinct_clause)


def _keyed_by_array(rel: Rel) -> bool:
    table = rel.table
    return table is not None and any(
        c.base_type.endswith("[]") for c in table.columns if c.name in table.primary
    )
