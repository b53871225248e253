"""Which rows are compared: all, a range of the key, or given keys; the same on both sides."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from psycopg import sql

from repot.engine.compare.values import is_text
from repot.model.catalog import Column
from repot.postgres.compose import idents, joined, trusted

Where = Callable[[str], sql.Composable]  # alias → condition on its rows


def everywhere(_alias: str) -> sql.Composable:
    """The condition of a comparison that is not restricted."""
    return sql.SQL("true")


def between(column: Column, lo: str | None, hi: str | None) -> Where:
    """Rows with lo <= column < hi, as text of the column's type; None is open.

    NULLs are in the range without a lower bound, so ranges that join on leave no row out. Text is
    ordered by the collation "C" on both sides: they may have different ones.
    """

    def where(alias: str) -> sql.Composable:
        name: sql.Composable = sql.Identifier(alias, column.name)
        if is_text(column):
            name = name + sql.SQL(' collate "C"')
        parts: list[sql.Composable] = []
        if lo is not None:
            parts.append(sql.SQL("{} >= {}").format(name, _literal(lo, column)))
        if hi is not None:
            below = sql.SQL("{} < {}").format(name, _literal(hi, column))
            if lo is None:
                below = sql.SQL("({} or {} is null)").format(
                    below, sql.Identifier(alias, column.name)
                )
            parts.append(below)
        return joined(parts, " and ") if parts else sql.SQL("true")

    return where


def within(columns: Sequence[Column], keys: Sequence[Sequence[str]]) -> Where:
    """Rows whose columns are among the keys, given as text of the columns' types.

    Each column is compared with an array: PostgreSQL pushes that into joins, UNION ALL and GROUP
    BY, which it does not do with a join; a second condition pairs what belongs together.
    """
    arrays = [
        sql.SQL("{}::{}[]").format(sql.Literal([key[n] for key in keys]), trusted(column.type))
        for n, column in enumerate(columns)
    ]

    def where(alias: str) -> sql.Composable:
        parts: list[sql.Composable] = [
            sql.SQL("{} = any ({})").format(sql.Identifier(alias, column.name), array)
            for column, array in zip(columns, arrays, strict=True)
        ]
        if len(columns) > 1:
            parts.append(
                sql.SQL("({}) in (select * from rows from ({}))").format(
                    idents((c.name for c in columns), alias),
                    joined(sql.SQL("pg_catalog.unnest({})").format(a) for a in arrays),
                )
            )
        return joined(parts, " and ")

    return where


def _literal(value: str, column: Column) -> sql.Composed:
    return sql.SQL("{}::{}").format(sql.Literal(value), trusted(column.type))
