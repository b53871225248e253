"""ALTER … and RENAME back."""

from __future__ import annotations

from typing import Any

from postgast import pg_query_pb2 as pb
from psycopg import sql

from repot.folder.rules import tree
from repot.folder.undo.derive.known import Known
from repot.folder.undo.derive.parts import Key, NoWay, deparsed, expression, key, made, relation

_SWITCHES = {
    pb.AT_EnableRowSecurity: "disable row level security",
    pb.AT_DisableRowSecurity: "enable row level security",
    pb.AT_ForceRowSecurity: "no force row level security",
    pb.AT_NoForceRowSecurity: "force row level security",
}
_NAMED_WITHIN = (
    *(pb.OBJECT_COLUMN, pb.OBJECT_TABCONSTRAINT, pb.OBJECT_POLICY, pb.OBJECT_TRIGGER),
    pb.OBJECT_ATTRIBUTE,
)
_WORDS = {
    pb.AT_DropColumn: "the column's values are gone",
    pb.AT_AlterColumnType: "a change of type may have changed values",
    pb.AT_DropConstraint: "what the constraint was cannot be told",
}


def undo_alter_table(node: Any, known: Known, own: set[Key]) -> list[str]:
    """The commands back, the last one first. own: tables that this file made: what is done to them
    goes with them. Raises NoWay."""
    if node.objtype != pb.OBJECT_TABLE:
        raise NoWay("only changes of tables can be turned round")
    table = key(tree.relation(node.relation))
    found: list[str] = []
    for wrapped in reversed(node.cmds):
        command = wrapped.alter_table_cmd
        parts = _of_own(command) if table in own else _command(command, known, table)
        found += [made("alter table {} {}", relation(node.relation), part) for part in parts]
    return found


def _of_own(command: Any) -> list[sql.Composable]:
    """Only a foreign key is in the way of dropping the table that it refers to."""
    constraint = getattr(command, "def").constraint
    if command.subtype != pb.AT_AddConstraint or constraint.contype != pb.CONSTR_FOREIGN:
        return []
    if not constraint.conname:
        return []
    return [sql.SQL("drop constraint if exists {}").format(sql.Identifier(constraint.conname))]


def _command(command: Any, known: Known, table: Key) -> list[sql.Composable]:
    kind, name = command.subtype, sql.Identifier(command.name or "?")
    switch = _SWITCHES.get(kind)
    if switch is not None:
        return [sql.SQL(switch)]
    if kind == pb.AT_AddColumn:
        column = getattr(command, "def").column_def.colname
        there = known.hidden(table, column) or known.column(table, column) is not None
        if command.missing_ok and there:
            raise NoWay(f"the column {column} may have been there before")
        return [sql.SQL("drop column {}").format(sql.Identifier(column))]
    if kind == pb.AT_AddConstraint:
        return _constraint(getattr(command, "def").constraint, known, table)
    if kind == pb.AT_ValidateConstraint:
        return []  # a constraint that holds may as well be known to hold
    if kind in (pb.AT_SetNotNull, pb.AT_DropNotNull):
        before = known.column(table, command.name)
        if before is None:
            raise NoWay(f"whether {command.name} was NOT NULL before cannot be told")
        if before.not_null == (kind == pb.AT_SetNotNull):
            return []
        how = sql.SQL("set not null" if before.not_null else "drop not null")
        return [sql.SQL("alter column {} {}").format(name, how)]
    if kind == pb.AT_ColumnDefault:
        before = known.column(table, command.name)
        if before is None:
            raise NoWay(f"which default {command.name} had before cannot be told")
        if before.default is None:
            return [sql.SQL("alter column {} drop default").format(name)]
        default = expression(before.default)
        return [sql.SQL("alter column {} set default {}").format(name, default)]
    raise NoWay(_WORDS.get(kind, "this change of a table cannot be turned round"))


def _constraint(constraint: Any, known: Known, table: Key) -> list[sql.Composable]:
    if not constraint.conname:
        raise NoWay("the constraint has no name of its own: the server chose it")
    if constraint.indexname:
        raise NoWay("the constraint took an index over, which would go with it")
    back: list[sql.Composable] = [
        sql.SQL("drop constraint {}").format(sql.Identifier(constraint.conname))
    ]
    if constraint.contype == pb.CONSTR_PRIMARY:  # it made its columns NOT NULL, which would stay
        for name in tree.strings(constraint.keys):
            before = known.column(table, name)
            if before is None:
                raise NoWay(f"whether {name} was NOT NULL before cannot be told")
            if not before.not_null:
                back.append(sql.SQL("alter column {} drop not null").format(sql.Identifier(name)))
    return back


def undo_rename(node: Any) -> list[str]:
    """The same with the names the other way round. Raises NoWay."""
    back = type(node)()
    back.CopyFrom(node)
    if node.rename_type in _NAMED_WITHIN:
        back.subname, back.newname = node.newname, node.subname
    elif node.HasField("relation"):
        back.relation.relname, back.newname = node.newname, node.relation.relname
    elif node.rename_type == pb.OBJECT_SCHEMA:
        back.subname, back.newname = node.newname, node.subname
    elif node.rename_type in (pb.OBJECT_TYPE, pb.OBJECT_DOMAIN) and node.object.HasField("list"):
        last = back.object.list.items[-1].string
        back.newname = last.sval
        last.sval = node.newname
    else:
        raise NoWay("this name cannot be turned round")
    return [deparsed("rename_stmt", back)]


def undo_alter_enum(node: Any, own: set[Key]) -> list[str]:
    """A label's name back. Raises NoWay: a label that was added cannot be taken away."""
    if key(tree.dotted(node.type_name)) in own:
        return []
    if not node.old_val:
        raise NoWay("PostgreSQL cannot take a label out of an enum")
    back = type(node)()
    back.CopyFrom(node)
    back.old_val, back.new_val = node.new_val, node.old_val
    return [deparsed("alter_enum_stmt", back)]
