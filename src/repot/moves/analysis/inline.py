"""Makes a view's tree plain: WITH queries put in place, every table and subquery given a mark."""

from __future__ import annotations

from google.protobuf.message import Message

from repot.moves.analysis.ast import copy, everything, parts, pb, word, words

_LARGEST = 20_000  # messages: a query that grows beyond it is not worth deriving from


class Unsupported(Exception):
    """A construct that the analysis does not follow; `str()` names it."""


def plain(select: pb.SelectStmt) -> pb.SelectStmt:
    """The same query with its non-recursive WITH queries as subqueries in FROM, and with
    `location` of each RangeVar and SubLink a number of its own.

    A WITH query may be put in place because views hold no data-modifying ones; each reference
    becomes its own subquery, so every appearance of a table can be told apart.

    :raises Unsupported: WITH RECURSIVE that refers to itself, or a query grown beyond all measure.
    """
    whole = copy(select)
    _inline(whole, {})
    for number, message in enumerate(everything(whole), start=1):
        if number > _LARGEST:
            raise Unsupported("WITH queries that refer to each other too often")
        if isinstance(message, pb.RangeVar | pb.SubLink):
            message.location = number
        elif isinstance(message, pb.JsonTable | pb.RangeTableFunc):
            message.lateral = False  # it is in any case, and not always printed
    return whole


def _inline(select: pb.SelectStmt, outer: dict[str, pb.CommonTableExpr]) -> None:
    known = dict(outer)
    if select.HasField("with_clause"):
        for node in select.with_clause.ctes:
            cte = copy(node.common_table_expr)
            if cte.HasField("search_clause") or cte.HasField("cycle_clause"):
                raise Unsupported("WITH RECURSIVE")
            if select.with_clause.recursive and _names_itself(cte):
                raise Unsupported("WITH RECURSIVE")
            if not cte.ctequery.HasField("select_stmt"):
                raise Unsupported("a WITH query that changes data")
            _inline(cte.ctequery.select_stmt, known)
            known[cte.ctename] = cte
        select.ClearField("with_clause")
    for part in parts(select):
        _visit(part, known)


def _visit(message: Message, known: dict[str, pb.CommonTableExpr]) -> None:
    if isinstance(message, pb.SelectStmt):
        _inline(message, known)
        return
    if isinstance(message, pb.Node) and message.HasField("range_var"):
        cte = known.get(message.range_var.relname)
        if cte is not None and not message.range_var.schemaname:
            message.CopyFrom(_subquery(message.range_var, cte))
        return
    for part in parts(message):
        _visit(part, known)


def _subquery(reference: pb.RangeVar, cte: pb.CommonTableExpr) -> pb.Node:
    """The WITH query as a subquery; the reference's column aliases come before the query's own."""
    given = words(reference.alias.colnames)
    names = given + words(cte.aliascolnames)[len(given) :]
    alias = reference.alias.aliasname or reference.relname
    item = pb.RangeSubselect(
        subquery=cte.ctequery,
        alias=pb.Alias(aliasname=alias, colnames=[word(n) for n in names]),
    )
    return pb.Node(range_subselect=item)


def _names_itself(cte: pb.CommonTableExpr) -> bool:
    return any(
        isinstance(each, pb.RangeVar) and not each.schemaname and each.relname == cte.ctename
        for each in everything(cte.ctequery)
    )


def merges(select: pb.SelectStmt) -> bool:
    """Whether a UNION at the top makes one row of equal ones."""
    if select.op == pb.SETOP_NONE:
        return False
    return not select.all or merges(select.larg) or merges(select.rarg)


def arms(select: pb.SelectStmt) -> list[pb.SelectStmt]:
    """The arms of a query joined by UNION [ALL], left to right.

    :raises Unsupported: INTERSECT or EXCEPT at the top, or LIMIT over the union.
    """
    if select.op == pb.SETOP_NONE:
        return [select]
    if select.op != pb.SETOP_UNION:
        raise Unsupported("INTERSECT" if select.op == pb.SETOP_INTERSECT else "EXCEPT")
    if select.HasField("limit_count") or select.HasField("limit_offset"):
        raise Unsupported("LIMIT over a UNION")
    return [*arms(select.larg), *arms(select.rarg)]
