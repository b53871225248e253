"""What the folder's earlier files say of an object: whether it is there, and how a column was."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from postgast import pg_query_pb2 as pb

from repot.folder.rules import tree
from repot.folder.text import Statement
from repot.folder.undo.derive.parts import Key, key

_WORD = re.compile(r"[\w$]+")
_OPAQUE = ("do_stmt", "call_stmt", "copy_stmt")


@dataclass(frozen=True)
class Column:
    """default: the expression's tree, None where there is none; domain or type defaults aside."""

    not_null: bool
    default: Any


class Known:
    """Filled statement by statement. What is named in a block that nobody can read is unknown."""

    def __init__(self) -> None:
        self.objects: set[tuple[str, Key]] = set()
        self.columns: dict[Key, dict[str, Column]] = {}
        self._opaque: set[str] = set()

    def column(self, table: Key, name: str) -> Column | None:
        """None: not known."""
        if self.hidden(table, name):
            return None
        return self.columns.get(table, {}).get(name)

    def hidden(self, table: Key, name: str) -> bool:
        """Whether a block whose effect cannot be told mentions the table or the column."""
        return bool({table[1].lower(), name.lower()} & self._opaque)

    def has(self, kind: str, name: Key) -> bool:
        return (kind, name) in self.objects or name[1].lower() in self._opaque

    def learn(self, statements: Iterable[Statement]) -> None:
        for statement in statements:
            self.one(statement)

    def one(self, statement: Statement) -> None:
        kind, node = statement.kind, statement.node
        if kind in _OPAQUE:
            self._opaque |= {w.lower() for w in _WORD.findall(statement.text)}
        elif kind == "create_stmt":
            self._create(node)
        elif kind == "alter_table_stmt":
            self._alter(node)
        elif kind == "rename_stmt":
            self._rename(node)
        elif kind == "drop_stmt":
            self._drop(node)
        else:
            found = created(kind, node)
            if found is not None:
                self.objects.add(found)

    def _create(self, node: Any) -> None:
        name = key(tree.relation(node.relation))
        if ("relation", name) in self.objects and node.if_not_exists:
            return
        self.objects.add(("relation", name))
        columns: dict[str, Column] = {}
        for element in node.table_elts:
            if element.HasField("column_def"):
                columns[element.column_def.colname] = _column(element.column_def)
        for element in node.table_elts:
            if element.HasField("constraint") and element.constraint.contype == pb.CONSTR_PRIMARY:
                for name_ in tree.strings(element.constraint.keys):
                    if name_ in columns:
                        columns[name_] = replace(columns[name_], not_null=True)
        self.columns[name] = columns

    def _alter(self, node: Any) -> None:
        table = self.columns.setdefault(key(tree.relation(node.relation)), {})
        for wrapped in node.cmds:
            command = wrapped.alter_table_cmd
            of = table.get(command.name)
            if command.subtype == pb.AT_AddColumn:
                definition = getattr(command, "def").column_def
                table[definition.colname] = _column(definition)
            elif command.subtype == pb.AT_DropColumn:
                table.pop(command.name, None)
            elif command.subtype in (pb.AT_SetNotNull, pb.AT_DropNotNull) and of:
                not_null = command.subtype == pb.AT_SetNotNull
                table[command.name] = replace(of, not_null=not_null)
            elif command.subtype == pb.AT_ColumnDefault and of:
                given = command.HasField("def")
                table[command.name] = replace(
                    of, default=getattr(command, "def") if given else None
                )
            elif command.subtype == pb.AT_AddConstraint:
                constraint = getattr(command, "def").constraint
                if constraint.contype == pb.CONSTR_PRIMARY:
                    for name in tree.strings(constraint.keys):
                        if name in table:
                            table[name] = replace(table[name], not_null=True)
            elif command.subtype in (pb.AT_DropConstraint, pb.AT_AlterColumnType):
                # A primary key may go and leave NOT NULL or not; a type may bring another default.
                table.clear()

    def _rename(self, node: Any) -> None:
        table = key(tree.relation(node.relation))
        if node.rename_type == pb.OBJECT_COLUMN:
            columns = self.columns.get(table, {})
            if node.subname in columns:
                columns[node.newname] = columns.pop(node.subname)
        elif node.HasField("relation"):
            self.objects.discard(("relation", table))
            self.objects.add(("relation", (table[0], node.newname)))
            if table in self.columns:
                self.columns[table[0], node.newname] = self.columns.pop(table)

    def _drop(self, node: Any) -> None:
        for wrapped in node.objects:
            if wrapped.HasField("list"):
                name = key(tree.dotted(wrapped.list.items))
                self.columns.pop(name, None)
                self.objects = {o for o in self.objects if o[1] != name}
            elif wrapped.HasField("object_with_args"):
                name = key(tree.dotted(wrapped.object_with_args.objname))
                self.objects.discard(("function", name))
            elif wrapped.HasField("type_name"):
                self.objects.discard(("type", key(tree.dotted(wrapped.type_name.names))))
            elif wrapped.HasField("string"):
                name = ("public", wrapped.string.sval)
                self.objects = {o for o in self.objects if o[1] != name}


def created(kind: str, node: Any) -> tuple[str, Key] | None:
    """What a CREATE makes: its sort, and its name; None for other statements."""
    match kind:
        case "create_stmt" | "index_stmt":
            name = node.idxname if kind == "index_stmt" else node.relation.relname
            return "relation", key((node.relation.schemaname or None, name))
        case "view_stmt":
            return "relation", key(tree.relation(node.view))
        case "create_table_as_stmt":
            return "relation", key(tree.relation(node.into.rel))
        case "create_seq_stmt":
            return "relation", key(tree.relation(node.sequence))
        case "composite_type_stmt":
            return "type", key(tree.relation(node.typevar))
        case "create_enum_stmt" | "create_range_stmt":
            return "type", key(tree.dotted(node.type_name))
        case "create_domain_stmt":
            return "type", key(tree.dotted(node.domainname))
        case "create_function_stmt":
            return "function", key(tree.dotted(node.funcname))
        case "create_schema_stmt":
            return "schema", ("public", node.schemaname)
        case "create_extension_stmt":
            return "extension", ("public", node.extname)
        case "create_trig_stmt":
            table = key(tree.relation(node.relation))
            return f"trigger of {table[0]}.{table[1]}", ("public", node.trigname)
        case "create_policy_stmt":
            table = key(tree.relation(node.table))
            return f"policy of {table[0]}.{table[1]}", ("public", node.policy_name)
        case "create_stats_stmt":
            return "statistics", key(tree.dotted(node.defnames))
    return None


def _column(definition: Any) -> Column:
    not_null, default = False, None
    serial = tree.strings(definition.type_name.names)[-1:]
    for wrapped in definition.constraints:
        constraint = wrapped.constraint
        if constraint.contype in (pb.CONSTR_NOTNULL, pb.CONSTR_PRIMARY, pb.CONSTR_IDENTITY):
            not_null = True
        elif constraint.contype == pb.CONSTR_DEFAULT:
            default = constraint.raw_expr
    return Column(not_null or bool(serial and serial[0].endswith("serial")), default)
