"""Rows and values that a statement is about to take away: counted before it runs."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql

from repot.folder.data import changes as ch
from repot.folder.rehearse.result import Wrote
from repot.folder.text import Statement
from repot.model.names import quoted
from repot.postgres.connect import Connection


def losses(conn: Connection, statement: Statement) -> list[Wrote]:
    """For DROP TABLE, DROP COLUMN and TRUNCATE; in the open transaction, or outside of one."""
    found = []
    for change in _changes(statement):
        if isinstance(change, ch.DropTable):
            found += _rows(conn, change.table)
        elif isinstance(change, ch.DropColumn):
            found += _values(conn, change.table, change.column)
        elif isinstance(change, ch.Whole) and change.kind == "truncate_stmt":
            for relation in change.node.relations:
                found += _rows(conn, relation.range_var)
    return found


def _changes(statement: Statement) -> list[ch.Change]:
    if statement.kind not in ("drop_stmt", "alter_table_stmt", "truncate_stmt"):
        return []
    return list(ch.changes(statement))


def _name(table: Any) -> tuple[str, ...]:
    schema, name = table.schemaname, table.relname
    return (schema, name) if schema else (name,)


def _rows(conn: Connection, table: Any) -> list[Wrote]:
    lost = _count(conn, sql.SQL("count(*)"), _name(table))
    shown = ".".join(map(quoted, _name(table)))
    return [Wrote(relation=shown, lost=lost, what="rows")] if lost else []


def _values(conn: Connection, table: Any, column: str) -> list[Wrote]:
    lost = _count(conn, sql.SQL("count({})").format(sql.Identifier(column)), _name(table))
    shown = ".".join([*map(quoted, _name(table)), quoted(column)])
    return [Wrote(relation=shown, lost=lost, what="values")] if lost else []


def _count(conn: Connection, what: sql.Composable, table: tuple[str, ...]) -> int:
    """0 where there is no such thing (IF EXISTS): the statement itself will say it."""
    try:
        with conn.transaction(force_rollback=True):
            row = conn.execute(
                sql.SQL("select {} from {}").format(what, sql.Identifier(*table))
            ).fetchone()
    except psycopg.Error:
        return 0
    return int(str(row[0])) if row else 0
