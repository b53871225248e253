"""CREATE … back: the DROP of what it made."""

from __future__ import annotations

from typing import Any

import postgast
from postgast import pg_query_pb2 as pb
from psycopg import sql

from repot.folder.rules import tree
from repot.folder.text import Statement
from repot.folder.undo.derive.known import Known, created
from repot.folder.undo.derive.parts import NoWay, identifier, made, relation


def undo_create(statement: Statement, known: Known) -> list[str] | None:
    """None: the statement creates nothing that is known here. Raises NoWay."""
    kind, node = statement.kind, statement.node
    found = created(kind, node)
    if found is None:
        return None
    soft = any(getattr(node, flag, False) for flag in ("if_not_exists", "replace"))
    if soft and known.has(*found):
        raise NoWay(
            "it replaces or leaves what an earlier file made, and what that was cannot be told"
        )
    if kind in ("create_stmt", "create_table_as_stmt"):
        return _table(kind, node)
    if kind == "create_function_stmt":
        return [str(postgast.to_drop(statement.text))]
    return [_simple(kind, node)]


def _table(kind: str, node: Any) -> list[str]:
    target = node.relation if kind == "create_stmt" else node.into.rel
    if target.relpersistence == "t":
        return []
    if kind == "create_table_as_stmt" and node.objtype == pb.OBJECT_MATVIEW:
        return [made("drop materialized view {}", relation(target))]
    return [made("drop table {}", relation(target))]


def _simple(kind: str, node: Any) -> str:
    match kind:
        case "view_stmt":
            return made("drop view {}", relation(node.view))
        case "index_stmt":
            if not node.idxname:
                raise NoWay("the index has no name of its own: the server chose it")
            name = identifier((node.relation.schemaname or None, node.idxname))
            return made("drop index {}", name)
        case "create_seq_stmt":
            # It goes with the table that owns it.
            return made("drop sequence if exists {}", relation(node.sequence))
        case "composite_type_stmt":
            return made("drop type {}", relation(node.typevar))
        case "create_enum_stmt" | "create_range_stmt":
            return made("drop type {}", identifier(tree.dotted(node.type_name)))
        case "create_domain_stmt":
            return made("drop domain {}", identifier(tree.dotted(node.domainname)))
        case "create_schema_stmt":
            if node.schema_elts or not node.schemaname:
                raise NoWay("CREATE SCHEMA with other statements in it")
            return made("drop schema {}", sql.Identifier(node.schemaname))
        case "create_extension_stmt":
            return made("drop extension {}", sql.Identifier(node.extname))
        case "create_trig_stmt":
            name, table = sql.Identifier(node.trigname), relation(node.relation)
            return made("drop trigger {} on {}", name, table)
        case "create_policy_stmt":
            name, table = sql.Identifier(node.policy_name), relation(node.table)
            return made("drop policy {} on {}", name, table)
        case "create_stats_stmt":
            if not node.defnames:
                raise NoWay("the statistics have no name of their own: the server chose it")
            return made("drop statistics {}", identifier(tree.dotted(node.defnames)))
    raise NoWay(f"{kind} is not known here")
