"""Swap kind `schema`: both schemas change their names, and everything in them goes along.

What belongs to the name rather than to the schema is carried over: owner, rights, comment, default
privileges, publications of the schema, extensions.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from psycopg import sql

from repot.engine.swap.rights import grants, role
from repot.engine.swap.sql import load
from repot.engine.swap.survey import Survey
from repot.postgres.compose import joined, trusted
from repot.postgres.connect import Connection


def statements(conn: Connection, plan: Survey) -> list[sql.Composable]:
    """The whole swap, as the catalogs are now."""
    where = plan.direction
    carried = _read(conn, where.front)
    publications = _publications(conn, where.front)
    extensions = sorted({t.extension for t in plan.staying if t.extension})
    result: list[sql.Composable] = []
    for name in publications:
        result.append(_publish("drop", name, where.front))
    if _exists(conn, where.aside):  # empty, or the preflight would have refused it
        result.append(sql.SQL("drop schema {}").format(sql.Identifier(where.aside)))
    for old, new in ((where.front, where.aside), (where.waiting, where.front)):
        result.append(
            sql.SQL("alter schema {} rename to {}").format(sql.Identifier(old), sql.Identifier(new))
        )
    for extension in extensions:
        result.append(
            sql.SQL("alter extension {} set schema {}").format(
                sql.Identifier(extension), sql.Identifier(where.front)
            )
        )
    if where.coming == "v2":  # V1's schema still has its own when it comes back
        result += _carry(where.front, carried)
    for name in publications:
        result.append(_publish("add", name, where.front))
    return result


def _read(conn: Connection, schema: str) -> dict[str, Any]:
    row = conn.execute(load("schema_carried.sql"), {"schema": schema}).fetchone()
    assert row is not None
    assert isinstance(row[0], dict)
    return row[0]


def _carry(schema: str, carried: dict[str, Any]) -> Iterable[sql.Composable]:
    name = sql.Identifier(schema)
    yield sql.SQL("alter schema {} owner to {}").format(name, sql.Identifier(carried["owner"]))
    yield from grants("schema", name, carried["acl"] or ())
    if carried["comment"] is not None:
        yield sql.SQL("comment on schema {} is {}").format(name, sql.Literal(carried["comment"]))
    for grantor, kind, grantee, right, grantable in carried["defaults"] or ():
        yield sql.SQL(
            "alter default privileges for role {} in schema {} grant {} on {} to {}{}"
        ).format(
            sql.Identifier(grantor),
            name,
            trusted(right),
            trusted(kind),
            role(grantee),
            sql.SQL(" with grant option" if grantable else ""),
        )


def _exists(conn: Connection, schema: str) -> bool:
    return (
        conn.execute("select from pg_catalog.pg_namespace where nspname = %s", (schema,)).fetchone()
        is not None
    )


def _publications(conn: Connection, schema: str) -> list[str]:
    """Publications FOR TABLES IN SCHEMA of this schema (PostgreSQL 15 and later)."""
    if conn.info.server_version < 150000:
        return []
    rows = conn.execute(load("schema_publications.sql"), {"schema": schema}).fetchall()
    return [str(r[0]) for r in rows]


def _publish(verb: str, publication: str, schema: str) -> sql.Composable:
    return sql.SQL("alter publication {} {} {}").format(
        sql.Identifier(publication),
        trusted(verb),
        joined([sql.SQL("tables in schema"), sql.Identifier(schema)], " "),
    )
