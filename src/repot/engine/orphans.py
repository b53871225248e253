"""Rows whose foreign key points to a row that is not there."""

from __future__ import annotations

from psycopg import sql

from repot.model.catalog import ForeignKey
from repot.model.names import Name
from repot.postgres.compose import ident, joined


def given(key: ForeignKey, alias: str = "c") -> sql.Composed:
    """The condition that the key points anywhere (MATCH SIMPLE: none of its columns is NULL)."""
    parts = (sql.SQL("{} is not null").format(sql.Identifier(alias, c)) for c in key.columns)
    return joined(parts, " and ")


def orphaned(key: ForeignKey, parents: Name, alias: str = "c") -> sql.Composed:
    """The condition that it points to a row that `parents` (a table, or a view with its columns)
    does not have."""
    same = (
        sql.SQL("{} = {}").format(sql.Identifier("p", r), sql.Identifier(alias, c))
        for c, r in zip(key.columns, key.referenced, strict=True)
    )
    return sql.SQL("{} and not exists (select from {} as p where {})").format(
        given(key, alias), ident(parents), joined(same, " and ")
    )
