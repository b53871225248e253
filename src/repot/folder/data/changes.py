"""A statement taken apart: each thing that it does to one table, in the order in which PostgreSQL
does it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from postgast import pg_query_pb2 as pb

from repot.folder.text import Statement

Node = Any  # a node of the parser's tree

_DROPS = (pb.AT_DropColumn, pb.AT_DropConstraint, pb.AT_DropNotNull)


@dataclass(frozen=True)
class Change:
    """table: as the file names it (a RangeVar); node: the parser's tree of this part."""

    table: Node
    node: Node


@dataclass(frozen=True)
class SetNotNull(Change):
    column: str


@dataclass(frozen=True)
class DropNotNull(Change):
    column: str


@dataclass(frozen=True)
class SetDefault(Change):
    column: str
    value: Node | None


@dataclass(frozen=True)
class AddColumn(Change):
    column: str
    skip_existing: bool


@dataclass(frozen=True)
class DropColumn(Change):
    column: str


@dataclass(frozen=True)
class AlterType(Change):
    column: str
    type: Node
    using: Node | None


@dataclass(frozen=True)
class Part:
    """One part of an index: a column's name, or an expression."""

    column: str | None
    expression: Node | None = None


@dataclass(frozen=True)
class AddIndex(Change):
    """An index, also that of a key. where: of a partial one."""

    name: str
    parts: tuple[Part, ...]
    unique: bool
    primary: bool = False
    nulls_not_distinct: bool = False
    where: Node | None = None
    skip_existing: bool = False
    method: str = "btree"
    constraint: bool = False


@dataclass(frozen=True)
class AddCheck(Change):
    name: str
    condition: Node
    valid: bool


@dataclass(frozen=True)
class AddForeignKey(Change):
    """referenced: empty means the other table's primary key; on_delete: a, r, c, n or d."""

    name: str
    columns: tuple[str, ...]
    other: Node
    referenced: tuple[str, ...]
    on_delete: str
    nulled: tuple[str, ...]
    valid: bool


@dataclass(frozen=True)
class Validate(Change):
    name: str


@dataclass(frozen=True)
class DropConstraint(Change):
    name: str


@dataclass(frozen=True)
class DropTable(Change):
    cascade: bool
    missing_ok: bool


@dataclass(frozen=True)
class Whole(Change):
    """A statement that is looked at as a whole: INSERT, UPDATE, RENAME, DO …; it has no table of
    its own where `table` is None."""

    kind: str


def changes(statement: Statement) -> Iterator[Change]:
    """What the statement does, part by part."""
    node = statement.node
    if statement.kind == "alter_table_stmt" and node.objtype == pb.OBJECT_TABLE:
        cmds = [c.alter_table_cmd for c in node.cmds]
        # PostgreSQL's own order: what goes, goes first; then types; keys and checks come last
        cmds.sort(
            key=lambda c: (
                0 if c.subtype in _DROPS else 1 if c.subtype == pb.AT_AlterColumnType else 2
            )
        )
        for cmd in cmds:
            yield from _of_command(node.relation, cmd)
    elif statement.kind == "index_stmt":
        yield _index(node)
    elif statement.kind == "drop_stmt" and node.remove_type == pb.OBJECT_TABLE:
        for thing in node.objects:
            yield DropTable(
                of_list(thing.list), node, node.behavior == pb.DROP_CASCADE, node.missing_ok
            )
    else:
        table = getattr(node, "relation", None) if _has(node, "relation") else None
        yield Whole(table, node, statement.kind)


def _has(node: Node, field: str) -> bool:
    return field in node.DESCRIPTOR.fields_by_name and bool(node.HasField(field))


def of_list(names: Node) -> Node:
    """A RangeVar of a list of names."""
    words = [n.string.sval for n in names.items]
    table = pb.RangeVar(relname=words[-1], inh=True)
    if len(words) > 1:
        table.schemaname = words[-2]
    return table


def _of_command(table: Node, cmd: Node) -> Iterator[Change]:
    kind = cmd.subtype
    if kind == pb.AT_SetNotNull:
        yield SetNotNull(table, cmd, cmd.name)
    elif kind == pb.AT_DropNotNull:
        yield DropNotNull(table, cmd, cmd.name)
    elif kind == pb.AT_ColumnDefault:
        yield SetDefault(table, cmd, cmd.name, getattr(cmd, "def") if _has(cmd, "def") else None)
    elif kind == pb.AT_AddColumn:
        column = getattr(cmd, "def").column_def
        yield AddColumn(table, column, column.colname, cmd.missing_ok)
        for constraint in column.constraints:
            yield from of_constraint(table, constraint.constraint, column.colname)
    elif kind == pb.AT_DropColumn:
        yield DropColumn(table, cmd, cmd.name)
    elif kind == pb.AT_AlterColumnType:
        column = getattr(cmd, "def").column_def
        using = column.raw_default if column.HasField("raw_default") else None
        yield AlterType(table, cmd, cmd.name, column.type_name, using)
    elif kind == pb.AT_AddConstraint:
        yield from of_constraint(table, getattr(cmd, "def").constraint, None)
    elif kind == pb.AT_ValidateConstraint:
        yield Validate(table, cmd, cmd.name)
    elif kind == pb.AT_DropConstraint:
        yield DropConstraint(table, cmd, cmd.name)
    else:
        yield Whole(table, cmd, "alter_table_cmd")


def of_constraint(table: Node, c: Node, column: str | None) -> Iterator[Change]:
    """column: that of ADD COLUMN, where the constraint was written behind it."""
    own = (column,) if column else ()
    if c.contype == pb.CONSTR_NOTNULL and column is None:
        for key in c.keys:  # PostgreSQL 18: ADD CONSTRAINT … NOT NULL column
            if not c.skip_validation:
                yield SetNotNull(table, c, key.string.sval)
    elif c.contype in (pb.CONSTR_PRIMARY, pb.CONSTR_UNIQUE):
        columns = tuple(k.string.sval for k in c.keys) or own
        primary = c.contype == pb.CONSTR_PRIMARY
        if primary:
            for key in columns:
                if column is None:
                    yield SetNotNull(table, c, key)
        if columns:  # not USING INDEX: that index stood there before
            yield AddIndex(
                table,
                c,
                c.conname,
                tuple(Part(k) for k in columns),
                unique=True,
                primary=primary,
                nulls_not_distinct=c.nulls_not_distinct,
                constraint=True,
            )
    elif c.contype == pb.CONSTR_CHECK:
        yield AddCheck(table, c, c.conname, c.raw_expr, not c.skip_validation)
    elif c.contype == pb.CONSTR_FOREIGN:
        yield AddForeignKey(
            table,
            c,
            c.conname,
            tuple(k.string.sval for k in c.fk_attrs) or own,
            c.pktable,
            tuple(k.string.sval for k in c.pk_attrs),
            c.fk_del_action or "a",
            tuple(k.string.sval for k in c.fk_del_set_cols),
            not c.skip_validation,
        )


def _index(node: Node) -> AddIndex:
    parts = []
    for param in node.index_params:
        elem = param.index_elem
        parts.append(Part(elem.name or None, elem.expr if elem.HasField("expr") else None))
    return AddIndex(
        node.relation,
        node,
        node.idxname,
        tuple(parts),
        unique=node.unique,
        nulls_not_distinct=node.nulls_not_distinct,
        where=node.where_clause if node.HasField("where_clause") else None,
        skip_existing=node.if_not_exists,
        method=node.access_method or "btree",
    )
