"""Grants on a relation, made what they should be."""

from __future__ import annotations

from psycopg import sql

from repot.model.base import Value
from repot.model.names import Name
from repot.postgres.compose import ident, trusted
from repot.postgres.connect import Connection


class Grant(Value):
    """`grantee` '' is PUBLIC; `column` '' is the whole relation."""

    privilege: str
    grantee: str
    grantable: bool
    column: str


def replace_grants(
    conn: Connection, oid: int, relation: Name, kind: str, have: set[Grant], want: set[Grant]
) -> None:
    """Turn the grants that it has, without its owner's, into those wanted. kind: r or S."""
    name, word = ident(relation), sql.SQL("sequence" if kind == "S" else "table")
    for grant in sorted(have - want, key=repr):
        conn.execute(
            sql.SQL("revoke {}{} on {} {} from {}").format(
                trusted(grant.privilege), _column(grant), word, name, _role(grant.grantee)
            )
        )
    columns = None
    for grant in sorted(want - have, key=repr):
        if grant.column:
            columns = columns or _column_names(conn, oid)
            if grant.column not in columns:
                continue  # V2 has no such column
        conn.execute(
            sql.SQL("grant {}{} on {} {} to {}{}").format(
                trusted(grant.privilege),
                _column(grant),
                word,
                name,
                _role(grant.grantee),
                sql.SQL(" with grant option" if grant.grantable else ""),
            )
        )


def _column_names(conn: Connection, oid: int) -> set[str]:
    rows = conn.execute(
        "select attname from pg_catalog.pg_attribute where attrelid = %s and attnum > 0"
        " and not attisdropped",
        (oid,),
    ).fetchall()
    return {str(r[0]) for r in rows}


def _column(grant: Grant) -> sql.Composable:
    return sql.SQL(" ({})").format(sql.Identifier(grant.column)) if grant.column else sql.SQL("")


def _role(grantee: str) -> sql.Composable:
    return sql.Identifier(grantee) if grantee else sql.SQL("public")
