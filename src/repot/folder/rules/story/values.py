"""Where a statement uses the value of an enum as such: not only as a text of the same letters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from postgast import pg_query_pb2 as pb

from repot.folder.rules import tree
from repot.folder.rules.story.shapes import Relation
from repot.folder.rules.story.step import Step
from repot.folder.rules.story.world import World

_DEFAULTS = {pb.CONSTR_DEFAULT, pb.CONSTR_GENERATED}


def uses(world: World, step: Step, enum: int, value: str) -> bool:
    """Whether the statement needs the value of the type of that number."""
    tables = [t for t in (world.find(tree.relation(r)) for r in step.ranges) if t is not None]
    columns = {c.name for t in tables for c in t.columns.values() if c.enum == enum}
    return any(
        _casts(world, one, enum, value)
        or _compares(one, columns, value)
        or _defaults(world, one, enum, value)
        or _stores(one, columns, value)
        or _inserts(world, one, enum, value)
        for one in tree.below(step.node)
    )


def _is(node: Any, value: str) -> bool:
    return tree.text(node) == value


def _casts(world: World, one: Any, enum: int, value: str) -> bool:
    if one.DESCRIPTOR.name != "TypeCast":
        return False
    type_ = world.find_type(tree.dotted(one.type_name.names))
    return type_ is not None and type_.number == enum and value in _texts(one.arg)


def _texts(node: Any) -> set[str | None]:
    """The text of a constant, or those within an array's braces or brackets."""
    found = {tree.text(w) for w in node.a_array_expr.elements}
    text = tree.text(node)
    if text and text.startswith("{"):
        found |= {part.strip().strip('"') for part in text.strip("{}").split(",")}
    return found | {text}


def _compares(one: Any, columns: set[str], value: str) -> bool:
    """column = 'value', column IN ('value'), CASE column WHEN 'value'."""
    if one.DESCRIPTOR.name == "CaseExpr":
        return _column(one.arg) in columns and any(_is(w.case_when.expr, value) for w in one.args)
    if one.DESCRIPTOR.name != "A_Expr":
        return False
    left, right = one.lexpr, one.rexpr
    if _column(right) in columns and _is(left, value):
        return True
    if _column(left) not in columns:
        return False
    items = right.list.items if tree.kind(right) == "list" else [right]
    return any(value in _texts(item) for item in items)


def _column(node: Any) -> str | None:
    if tree.kind(node) != "column_ref":
        return None
    names = tree.strings(node.column_ref.fields)
    return names[-1] if names else None


def _defaults(world: World, one: Any, enum: int, value: str) -> bool:
    """A default of a column of that type, written with the column."""
    if one.DESCRIPTOR.name != "ColumnDef":
        return False
    type_ = world.find_type(tree.dotted(one.type_name.names))
    if type_ is None or type_.number != enum:
        return False
    return any(
        c.constraint.contype in _DEFAULTS and value in _texts(c.constraint.raw_expr)
        for c in one.constraints
    )


def _stores(one: Any, columns: set[str], value: str) -> bool:
    """UPDATE … SET column = 'value', and ALTER COLUMN … SET DEFAULT 'value'."""
    name = one.DESCRIPTOR.name
    if name == "AlterTableCmd" and one.subtype == pb.AT_ColumnDefault:
        return one.name in columns and value in _texts(getattr(one, "def"))
    if name in ("UpdateStmt", "OnConflictClause"):
        return any(
            t.res_target.name in columns and any(_results(t.res_target.val, value))
            for t in one.target_list
        )
    return False


def _inserts(world: World, one: Any, enum: int, value: str) -> bool:
    """INSERT: the constants that come to stand in a column of that type."""
    if one.DESCRIPTOR.name != "InsertStmt":
        return False
    table = world.find(tree.relation(one.relation))
    if table is None:
        return False
    names = [c.res_target.name for c in one.cols] or list(table.columns)
    meant = [i for i, n in enumerate(names) if _of(table, n, enum)]
    query = one.select_stmt.select_stmt
    rows = [list(v.list.items) for v in query.values_lists]
    rows.append([t.res_target.val for t in query.target_list])
    return any(i < len(row) and any(_results(row[i], value)) for row in rows for i in meant)


def _of(table: Relation, name: str, enum: int) -> bool:
    column = table.columns.get(name)
    return column is not None and column.enum == enum


def _results(node: Any, value: str) -> Iterator[bool]:
    """What an expression can give: itself, or the branches of a CASE or COALESCE."""
    yield value in _texts(node)
    what = tree.kind(node)
    if what == "case_expr":
        for wrapped in node.case_expr.args:
            yield from _results(wrapped.case_when.result, value)
        yield from _results(node.case_expr.defresult, value)
    elif what == "coalesce_expr":
        for argument in node.coalesce_expr.args:
            yield from _results(argument, value)
