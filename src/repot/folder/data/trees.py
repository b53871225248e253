"""Trees of the parser: parts of the user's statements put into queries, never as text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import postgast
from google.protobuf.descriptor import FieldDescriptor
from postgast import pg_query_pb2 as pb

Node = Any


def children(node: Node) -> Iterator[tuple[str, Node]]:
    """The messages directly below, each with its field's name."""
    for field, value in node.ListFields():
        if field.type != FieldDescriptor.TYPE_MESSAGE:
            continue
        if hasattr(value, "DESCRIPTOR"):
            yield field.name, value
        else:
            for item in value:
                yield field.name, item


def walk(node: Node, skip: frozenset[str] = frozenset()) -> Iterator[Node]:
    """The node and all below it; fields named in `skip` aside."""
    yield node
    for field, child in children(node):
        if field not in skip:
            yield from walk(child, skip)


def find(node: Node, kind: Any, skip: frozenset[str] = frozenset()) -> list[Any]:
    """All nodes of a kind below."""
    return [n for n in walk(node, skip) if isinstance(n, kind)]


def function_names(node: Node) -> set[str]:
    """The last words of the names of all functions that are called."""
    return {f.funcname[-1].string.sval for f in find(node, pb.FuncCall) if f.funcname}


def column_names(node: Node, skip: frozenset[str] = frozenset()) -> set[str]:
    """What column references name: the last word each; `*` for all."""
    names = set()
    for ref in find(node, pb.ColumnRef, skip):
        last = ref.fields[-1]
        names.add("*" if last.HasField("a_star") else last.string.sval)
    return names


def fill(
    skeleton: str,
    nodes: Mapping[str, Node],
    lists: Mapping[str, Sequence[Node]] | None = None,
    types: Mapping[str, Node] | None = None,
) -> str:
    """The query `skeleton`, its placeholders replaced.

    nodes: for a column reference of that name; lists: for a table of that name in a FROM; types:
    for a type of that name. Returns SQL. Raises PgQueryError.
    """
    tree = postgast.parse(skeleton)
    lists = lists or {}
    types = types or {}
    for node in list(walk(tree)):
        if isinstance(node, pb.SelectStmt):
            _fill_from(node, lists)
        elif isinstance(node, pb.TypeName):
            name = node.names[-1].string.sval if node.names else ""
            if name in types:
                node.CopyFrom(types[name])
        elif isinstance(node, pb.Node) and node.WhichOneof("node") == "column_ref":
            fields = node.column_ref.fields
            name = fields[0].string.sval if len(fields) == 1 else ""
            if name in nodes:
                node.CopyFrom(nodes[name])
    return str(postgast.deparse(tree))


def _fill_from(select: Node, lists: Mapping[str, Sequence[Node]]) -> None:
    items = list(select.from_clause)
    filled: list[Node] = []
    for item in items:
        name = item.range_var.relname if item.HasField("range_var") else ""
        filled += lists.get(name, [item])
    if len(filled) != len(items) or any(a is not b for a, b in zip(filled, items, strict=True)):
        copies = [type(item).FromString(item.SerializeToString()) for item in filled]
        del select.from_clause[:]
        select.from_clause.extend(copies)


def with_tables(node: Node, name_of: Callable[[Node], str | None]) -> Node:
    """A copy in which every table that is read has the name that `name_of(RangeVar)` gives, and its
    old name as alias; None leaves it. Names of the query's own WITH are left alone."""
    copy = type(node)()
    copy.CopyFrom(node)
    own = {cte.ctename for cte in find(copy, pb.CommonTableExpr)}
    for table in find(copy, pb.RangeVar):
        if not table.schemaname and table.relname in own:
            continue
        new = name_of(table)
        if new is None:
            continue
        if not table.HasField("alias"):
            table.alias.aliasname = table.relname
        table.relname, table.schemaname, table.catalogname = new, "", ""
    return copy


def constants(node: Node) -> set[str]:
    """Strings that stand in it."""
    return {c.sval.sval for c in find(node, pb.A_Const) if c.WhichOneof("val") == "sval"}
