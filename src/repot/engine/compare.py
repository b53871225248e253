"""Comparing a view with its table, byte for byte, by a FULL JOIN on the key.

A join on one server is exact and faster than any hash of the rows; what `=` takes for equal
although it is not the same (1.0 and 1.00, -0.0 and 0.0, '1 day' and '24:00') is told apart by the
record image operator *<>, which compares the stored bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from psycopg import sql

from repot.model.catalog import Column, Table
from repot.model.names import Name
from repot.model.plan import Derivation
from repot.model.results import Difference
from repot.postgres.compose import ident, idents, joined, trusted
from repot.postgres.connect import Connection

HERE = "repot_here"
WIDTH = 80  # characters of a value in an example

# Types whose = is byte equality: there IS DISTINCT FROM is exact, and the fastest.
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
        "bytea",
        "oid",
        "name",
    }
)
_TEXT = frozenset({"text", "character varying"})

Where = Callable[[str], sql.Composable]  # alias → condition on its rows


@dataclass(frozen=True)
class Counts:
    """Rows of a view and a table, side by side."""

    pairs: int = 0
    missing: int = 0  # in the view only
    extra: int = 0  # in the table only
    changed: int = 0
    table_rows: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.pairs + other.pairs,
            self.missing + other.missing,
            self.extra + other.extra,
            self.changed + other.changed,
            self.table_rows + other.table_rows,
        )

    @property
    def view_rows(self) -> int:
        return self.pairs + self.missing

    @property
    def duplicates(self) -> int:
        """View rows beyond the first for one key: they pair with the same row of the table."""
        return max(0, self.pairs + self.extra - self.table_rows)

    @property
    def differences(self) -> int:
        return self.missing + self.extra + self.changed + self.duplicates


def everywhere(_alias: str) -> sql.Composable:
    """The condition of a comparison that is not restricted."""
    return sql.SQL("true")


def between(column: str, kind: str, lo: str | None, hi: str | None) -> Where:
    """Rows with lo <= column < hi; None is open. Values as text of the type `kind`."""

    def where(alias: str) -> sql.Composable:
        name = sql.SQL("{}.{}").format(sql.Identifier(alias), sql.Identifier(column))
        parts: list[sql.Composable] = []
        if lo is not None:
            parts.append(sql.SQL("{} >= {}::{}").format(name, sql.Literal(lo), trusted(kind)))
        if hi is not None:
            parts.append(sql.SQL("{} < {}::{}").format(name, sql.Literal(hi), trusted(kind)))
        return joined(parts, " and ") if parts else sql.SQL("true")

    return where


def is_exact(column: Column) -> bool:
    """Whether IS DISTINCT FROM tells any two different values of the column apart."""
    if column.base_type in _EXACT:
        return True
    if column.base_type in _TEXT:
        return column.deterministic
    return column.base_type == "numeric" and column.typmod >= 0  # its scale is fixed


def differs(left: sql.Composable, right: sql.Composable, column: Column) -> sql.Composable:
    """True where two values of the column's type are not byte for byte the same; never NULL."""
    if is_exact(column):
        return sql.SQL("{} is distinct from {}").format(left, right)
    return sql.SQL("row({})::record operator(pg_catalog.*<>) row({})::record").format(left, right)


def any_differs(columns: Sequence[Column], left: str, right: str) -> sql.Composable:
    """True where any of the columns differs; the inexact ones are compared as one record."""
    exact = [c for c in columns if is_exact(c)]
    images = [c.name for c in columns if not is_exact(c)]
    parts = [
        differs(
            sql.SQL("{}.{}").format(sql.Identifier(left), sql.Identifier(c.name)),
            sql.SQL("{}.{}").format(sql.Identifier(right), sql.Identifier(c.name)),
            c,
        )
        for c in exact
    ]
    if images:
        parts.append(
            sql.SQL("row({})::record operator(pg_catalog.*<>) row({})::record").format(
                idents(images, left), idents(images, right)
            )
        )
    return joined(parts, " or ") if parts else sql.SQL("false")


def compared_columns(d: Derivation, table: Table) -> tuple[list[Column], list[str]]:
    """Columns that are compared, and those that cannot be: left to a default that is not constant.

    The forward view gives the constant default of each column that the move leaves out.
    """
    constant = [
        c.name
        for c in table.columns
        if c.name in d.defaulted and not c.default_volatile and not c.identity
    ]
    names = {*d.columns, *constant}
    compared = [c for c in table.columns if c.name in names and c.name not in d.key]
    # A key column whose = is not exact is compared as a value too: 1.0 and 1.00 are one key.
    compared += [c for c in table.columns if c.name in d.key and not is_exact(c)]
    return compared, [c for c in d.defaulted if c not in constant]


def compare(
    conn: Connection, d: Derivation, table: Table, now: Name, where: Where = everywhere
) -> Counts:
    """Count how view and table differ; `now` is the table's name at the moment."""
    compared, _ = compared_columns(d, table)
    row = conn.execute(
        sql.SQL(
            "select count(*) filter (where v.{here} and t.{here}),"
            " count(*) filter (where t.{here} is null),"
            " count(*) filter (where v.{here} is null),"
            " count(*) filter (where v.{here} and t.{here} and ({changed})),"
            " (select count(*) from {table} as t where {where_t})"
            " from {joined}"
        ).format(
            here=sql.Identifier(HERE),
            changed=any_differs(compared, "v", "t"),
            table=ident(now),
            where_t=where("t"),
            joined=_joined(d, compared, now, where),
        )
    ).fetchone()
    assert row is not None
    return Counts(*(int(str(n)) for n in row))


def examples(
    conn: Connection,
    d: Derivation,
    table: Table,
    now: Name,
    where: Where = everywhere,
    limit: int = 3,
) -> tuple[Difference, ...]:
    """The first differing rows by key, with both values of each column that differs."""
    compared, _ = compared_columns(d, table)
    columns: list[sql.Composable] = [_text("v", HERE), _text("t", HERE)]
    for c in d.key:
        columns.append(sql.SQL("coalesce({}, {})").format(_text("v", c), _text("t", c)))
    for column in compared:
        columns += [
            any_differs([column], "v", "t"),
            _text("v", column.name),
            _text("t", column.name),
        ]
    order = joined(sql.SQL("coalesce(v.{c}, t.{c})").format(c=sql.Identifier(c)) for c in d.key)
    rows = conn.execute(
        sql.SQL(
            "select {columns} from {joined} where v.{here} is null or t.{here} is null"
            " or ({changed}) order by {order} limit {limit}"
        ).format(
            columns=joined(columns),
            joined=_joined(d, compared, now, where),
            here=sql.Identifier(HERE),
            changed=any_differs(compared, "v", "t"),
            order=order,
            limit=sql.Literal(limit),
        )
    ).fetchall()
    return tuple(_difference(d, compared, row) for row in rows)


def duplicate_examples(
    conn: Connection, d: Derivation, where: Where = everywhere, limit: int = 3
) -> tuple[Difference, ...]:
    """Keys that the view gives more than once."""
    rows = conn.execute(
        sql.SQL(
            "select {texts} from {view} as v where {where} group by {keys}"
            " having count(*) > 1 order by {keys} limit {limit}"
        ).format(
            texts=joined(_text("v", c) for c in d.key),
            view=ident(d.view),
            where=where("v"),
            keys=idents(d.key, "v"),
            limit=sql.Literal(limit),
        )
    ).fetchall()
    return tuple(
        Difference(
            table=d.name,
            key={k: _str(v) for k, v in zip(d.key, row, strict=True)},
            kind="duplicate",
        )
        for row in rows
    )


def _joined(d: Derivation, compared: Sequence[Column], now: Name, where: Where) -> sql.Composed:
    names = list(dict.fromkeys([*d.key, *(c.name for c in compared)]))
    side = sql.SQL("(select true as {here}, {columns} from {relation} as {a} where {where}) as {a}")

    def rows_of(alias: str, relation: Name) -> sql.Composed:
        return side.format(
            here=sql.Identifier(HERE),
            columns=idents(names, alias),
            relation=ident(relation),
            a=sql.Identifier(alias),
            where=where(alias),
        )

    on = joined((sql.SQL("v.{c} = t.{c}").format(c=sql.Identifier(c)) for c in d.key), " and ")
    return sql.SQL("{} full join {} on {}").format(rows_of("v", d.view), rows_of("t", now), on)


def _text(alias: str, column: str) -> sql.Composed:
    return sql.SQL("left({}.{}::text, {})").format(
        sql.Identifier(alias), sql.Identifier(column), sql.Literal(WIDTH)
    )


def _str(value: object) -> str | None:
    return None if value is None else str(value)


def _difference(d: Derivation, compared: Sequence[Column], row: tuple[object, ...]) -> Difference:
    in_view, in_table = row[0] is not None, row[1] is not None
    key = {k: _str(v) for k, v in zip(d.key, row[2:], strict=False)}
    changed: dict[str, tuple[str | None, str | None]] = {}
    if in_view and in_table:
        for number, column in enumerate(compared):
            differ, left, right = row[2 + len(d.key) + 3 * number :][:3]
            if differ:
                changed[column.name] = (_str(left), _str(right))
    kind = "changed" if in_view and in_table else "missing" if in_view else "extra"
    return Difference(table=d.name, key=key, kind=kind, columns=changed)
