"""Whether two values of a type are the same, to the byte; never NULL, whatever is."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import sql

from repot.model.catalog import Column
from repot.postgres.compose import idents, joined

# Types of which equal values are the same bytes: there IS DISTINCT FROM is exact, and the fastest.
_EXACT = frozenset(
    {
        "smallint",
        "integer",
        "bigint",
        "boolean",
        "uuid",
        "date",
        "timestamp without time zone",
        "timestamp with time zone",
        "time without time zone",
        "time with time zone",
        "bytea",
        "oid",
        '"char"',
        "inet",
        "cidr",
        "macaddr",
        "macaddr8",
        "money",
    }
)
_TEXT = frozenset({"text", "character varying", "name"})
_FLOATS = {"real": "float4send", "double precision": "float8send"}


def is_text(column: Column) -> bool:
    """Whether the column's values are text as it stands: not citext, nor a domain over text."""
    # A column of char(n) holds n characters: there `=`, blind to blanks at the end, sees all.
    return column.base_type in _TEXT or (column.base_type == "bpchar" and column.typmod >= 0)


def is_exact(column: Column) -> bool:
    """Whether `=`, with the collation "C" where the column is text, sees every difference."""
    if column.base_type in _EXACT or is_text(column):
        return True
    return column.base_type == "numeric" and column.typmod >= 0  # its scale is fixed


def differs(left: sql.Composable, right: sql.Composable, column: Column) -> sql.Composable:
    """True where two values of the column's type are not byte for byte the same; never NULL."""
    values = {"l": left, "r": right}
    if is_text(column):
        # Whatever collations the two sides have: "C" compares bytes.
        return sql.SQL('({l} collate "C" is distinct from {r} collate "C")').format(**values)
    if is_exact(column):
        return sql.SQL("({l} is distinct from {r})").format(**values)
    if column.base_type == "numeric":  # equal numbers of one scale are stored alike
        return sql.SQL(
            "({l} is distinct from {r}"
            " or pg_catalog.scale({l}) is distinct from pg_catalog.scale({r}))"
        ).format(**values)
    if column.base_type in _FLOATS:  # only zeros and NaNs have several forms
        return sql.SQL(
            "({l} is distinct from {r}"
            " or ({l} in ('0', 'NaN') and {send}({l}) is distinct from {send}({r})))"
        ).format(**values, send=sql.Identifier("pg_catalog", _FLOATS[column.base_type]))
    return _image(left, right)


def any_differs(columns: Sequence[Column], left: str, right: str) -> sql.Composable:
    """True where any of the columns differs between the rows `left` and `right`; never NULL.

    Columns whose type offers nothing better are compared as one record, last.
    """
    images = [c.name for c in columns if not _typed(c)]
    parts = [
        differs(sql.Identifier(left, c.name), sql.Identifier(right, c.name), c)
        for c in sorted((c for c in columns if _typed(c)), key=lambda c: not is_exact(c))
    ]
    if images:
        parts.append(_image(idents(images, left), idents(images, right)))
    return joined(parts, " or ") if parts else sql.SQL("false")


def _typed(column: Column) -> bool:
    return is_exact(column) or column.base_type == "numeric" or column.base_type in _FLOATS


def _image(left: sql.Composable, right: sql.Composable) -> sql.Composed:
    """By the stored bytes, detoasted: no operator of the type is needed, nor found by a path."""
    return sql.SQL("(row({})::record operator(pg_catalog.*<>) row({})::record)").format(left, right)
