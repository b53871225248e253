"""Pieces of dynamic SQL, composed and never pasted."""

from __future__ import annotations

from collections.abc import Iterable

from psycopg import sql

from repot.model.names import Name


def ident(name: Name) -> sql.Identifier:
    """A qualified name."""
    return sql.Identifier(name.schema_, name.name)


def idents(columns: Iterable[str], prefix: str | None = None) -> sql.Composed:
    """`a, b, c`, or `t.a, t.b, t.c` with a prefix."""
    return sql.SQL(", ").join(
        sql.Identifier(prefix, c) if prefix else sql.Identifier(c) for c in columns
    )


def trusted(text: str) -> sql.SQL:
    """SQL that the server itself printed (pg_get_*def, format_type …) or that is the user's file.

    Such texts are whole clauses already: they are placed, not edited.
    """
    return sql.SQL(text)


def joined(parts: Iterable[sql.Composable], by: str = ", ") -> sql.Composed:
    """The parts with `by` between them."""
    return sql.SQL(by).join(parts)
