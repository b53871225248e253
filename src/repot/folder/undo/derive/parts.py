"""Names in the parser's tree, and statements made of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, LiteralString

import postgast
from postgast import pg_query_pb2 as pb
from psycopg import sql

from repot.folder.rules import tree

Key = tuple[str, str]  # schema and name


class NoWay(Exception):
    """A statement has no way back that can be derived; the text says why, for people."""


def key(name: tree.Key) -> Key:
    """Without a schema it counts as public: two files of a folder mean the same one."""
    return (name[0] or "public", name[1])


def relation(range_var: Any) -> sql.Identifier:
    """A relation as the file names it."""
    return identifier((range_var.schemaname or None, range_var.relname))


def identifier(name: tree.Key) -> sql.Identifier:
    return sql.Identifier(*(part for part in name if part))


def made(text: LiteralString, *parts: object) -> str:
    """A statement, composed."""
    return sql.SQL(text).format(*parts).as_string(None)


def deparsed(kind: str, node: Any) -> str:
    """A statement from its tree; kind: the parser's name of it."""
    result = pb.ParseResult()
    getattr(result.stmts.add().stmt, kind).CopyFrom(node)
    return str(postgast.deparse(result))


def expression(node: Any) -> sql.SQL:
    """An expression of the file, spelled anew from its tree."""
    result = pb.ParseResult()
    target = result.stmts.add().stmt.select_stmt.target_list.add().res_target
    target.val.CopyFrom(node)
    text = str(postgast.deparse(result))
    return sql.SQL(text.removeprefix("SELECT ").strip())


def writes_elsewhere(node: Any, allowed: set[Key]) -> bool:
    """Whether a statement changes rows of a table that is not among `allowed`, itself or in its
    WITH."""
    for one in tree.of(node, "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"):
        if key(tree.relation(one.relation)) not in allowed:
            return True
    return False


def texts(nodes: Iterable[Any]) -> tuple[str, ...]:
    """The strings of a list."""
    return tree.strings(nodes)
