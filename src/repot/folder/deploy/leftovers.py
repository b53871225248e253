"""What CREATE INDEX and REINDEX CONCURRENTLY leave when they don't come to their end."""

from __future__ import annotations

from typing import Any

from psycopg import sql

from repot.folder.sql import load
from repot.folder.text import Statement
from repot.postgres.connect import Connection


def before(conn: Connection, statement: Statement) -> dict[str, object]:
    """What to note before such a statement runs: the indexes that are there already, by oid, and
    the schema and table that it means (its names mean something else in another search_path)."""
    table = _table(statement)
    if statement.kind == "reindex_stmt":
        return {"indexes": _numbers(conn, None), "table": None}
    if table is None:
        return {}
    row = conn.execute("select pg_catalog.to_regclass(%s)::oid::bigint", (table,)).fetchone()
    oid = row[0] if row else None
    return {"indexes": _numbers(conn, oid), "table": oid} if oid is not None else {}


def left(
    conn: Connection, statement: Statement, found: dict[str, object]
) -> tuple[bool, list[tuple[str, str]]]:
    """Whether the statement has come to its end after all, and the invalid indexes (schema, name)
    that it left. found: what `before` gave then."""
    known = found.get("indexes")
    if not isinstance(known, list) or not _makes(statement):
        return False, []
    rows = conn.execute(
        load("indexes_new.sql").encode(), {"known": known, "table": found.get("table")}
    ).fetchall()
    wanted = statement.node.idxname if statement.kind == "index_stmt" else None
    invalid = []
    done = False
    for schema, name, valid, busy in rows:
        if wanted and name != wanted:
            continue
        if valid:
            done = done or statement.kind == "index_stmt"
        elif not busy:
            invalid.append((str(schema), str(name)))
    return done, invalid


def drop(conn: Connection, indexes: list[tuple[str, str]]) -> None:
    """Drop them, without locks that writers would feel."""
    for schema, name in indexes:
        conn.execute(
            sql.SQL("drop index concurrently if exists {}").format(sql.Identifier(schema, name))
        )


def quoted(indexes: list[tuple[str, str]]) -> str:
    """For people."""
    return ", ".join(sql.Identifier(*index).as_string(None) for index in indexes)


def _makes(statement: Statement) -> bool:
    return statement.kind in ("index_stmt", "reindex_stmt")


def _table(statement: Statement) -> str | None:
    if statement.kind != "index_stmt":
        return None
    relation: Any = statement.node.relation
    parts = [relation.schemaname, relation.relname] if relation.schemaname else [relation.relname]
    return sql.Identifier(*parts).as_string(None)


def _numbers(conn: Connection, table: object) -> list[int]:
    rows = conn.execute(load("indexes_known.sql").encode(), {"table": table}).fetchall()
    return [int(str(oid)) for (oid,) in rows]
