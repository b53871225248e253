"""One scan per table: every aggregate of every column at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from psycopg import sql

from repot.model.audit import ColumnProfile, TableProfile
from repot.model.catalog import Column, Table
from repot.model.finding import Finding, info, warning
from repot.stages.audit.query import Scope, shown, text_of, words

_MONEY = frozenset(
    {
        "amount", "amounts", "balance", "budget", "cost", "costs", "discount", "fee", "fees",
        "money", "montant", "paid", "payment", "price", "prices", "prix", "refund", "remise",
        "revenue", "revenues", "salary", "solde", "subtotal", "tarif", "tax", "total", "tva",
        "vat", "wage"
    }
)  # fmt: skip
_FLOATS = {700: "real", 701: "double precision"}
_INTEGERS = (20, 21, 23)
_SPACES = " \t\r\n\u00a0"

Counts = Mapping[tuple[str, str], int | None]  # (column, what): figure


@dataclass(frozen=True)
class Scan:
    """A table's profile, and the figures that the other probes go on from."""

    profile: TableProfile
    counts: Counts

    def figure(self, column: str, what: str) -> int:
        return self.counts.get((column, what)) or 0


def scan(scope: Scope, table: Table, distinct: Mapping[tuple[int, str], int | None]) -> Scan:
    """Read the table once (or its sample). distinct: the planner's figures, by oid and column."""
    measures = [("", "rows", sql.SQL("count(*)")), *_measures(scope, table)]
    # one array: a target list ends at 1,664 entries, a table may have 1,600 columns
    values = scope.conn.execute(
        sql.SQL("select array[{}]::bigint[] from {}").format(
            sql.SQL(", ").join(expression for _, _, expression in measures), scope.rows_of(table)
        )
    ).fetchone()
    assert values is not None
    figures = values[0]
    assert isinstance(figures, list)
    counts: dict[tuple[str, str], int | None] = {
        (column, what): figure for (column, what, _), figure in zip(measures, figures, strict=True)
    }
    read = counts["", "rows"] or 0
    sampled = table.oid in scope.samples
    columns = tuple(
        ColumnProfile(
            name=c.name,
            type=c.type,
            nullable=not c.not_null,
            nulls=read - (counts.get((c.name, "filled")) or 0) if not c.not_null else 0,
            blank=counts.get((c.name, "blank")) or 0,
            padded=counts.get((c.name, "padded")) or 0,
            distinct=distinct.get((table.oid, c.name)),
        )
        for c in table.columns
    )
    return Scan(_profile(table, None if sampled else read, read, sampled, columns), counts)


def unread(table: Table) -> TableProfile:
    """The profile of a table whose rows could not be read."""
    columns = (
        ColumnProfile(name=c.name, type=c.type, nullable=not c.not_null) for c in table.columns
    )
    return _profile(table, None, 0, False, tuple(columns))


def _profile(
    table: Table,
    rows: int | None,
    read: int,
    sampled: bool,
    columns: tuple[ColumnProfile, ...],
) -> TableProfile:
    return TableProfile(
        name=table.name,
        kind=table.kind,
        rows=rows,
        rows_read=read,
        sampled=sampled,
        estimate=table.estimate,
        bytes=table.bytes,
        primary=table.primary,
        columns=columns,
    )


def _measures(scope: Scope, table: Table) -> Iterator[tuple[str, str, sql.Composable]]:
    for column in table.columns:
        bare = sql.Identifier("t", column.name)
        if not column.not_null:
            yield column.name, "filled", sql.SQL("count({})").format(bare)
        if scope.is_text(table, column):
            text = text_of(column.name)
            trimmed = sql.SQL("btrim({}, {})").format(text, sql.Literal(_SPACES))
            yield column.name, "blank", _count(sql.SQL("{} = ''").format(trimmed))
            yield column.name, "padded", _count(sql.SQL("{} <> {}").format(text, trimmed))
            yield (
                column.name,
                "json",
                _count(sql.SQL("left(ltrim({}), 1) in ('{{', '[')").format(text)),
            )
        elif column.type_oid in _FLOATS and is_money(column):
            yield (
                column.name,
                "inexact",
                _count(
                    sql.SQL("{0} <> round({0}::numeric, 2)::{1}").format(
                        bare, sql.SQL("float4" if column.type_oid == 700 else "float8")
                    )
                ),
            )
        elif column.type_oid in _INTEGERS and _from_sequence(column):
            yield column.name, "greatest", sql.SQL("max({})").format(bare)


def _count(condition: sql.Composable) -> sql.Composed:
    return sql.SQL("count(*) filter (where {})").format(condition)


def _from_sequence(column: Column) -> bool:
    return bool(column.identity) or "nextval(" in (column.default or "")


def is_money(column: Column) -> bool:
    """Whether the column, by its name, holds money."""
    return not _MONEY.isdisjoint(words(column.name))


def findings(table: Table, scanned: Scan) -> Iterator[Finding]:
    """What the scan's figures say by themselves."""
    read = scanned.profile.rows_read
    for column, profile in zip(table.columns, scanned.profile.columns, strict=True):
        place = shown(table, column.name)
        if column.type_oid in _FLOATS and is_money(column):
            inexact = scanned.figure(column.name, "inexact")
            yield warning(
                "money-float",
                f"{place} holds money as {column.type}; {inexact} of {read} values are not equal "
                "to their rounding to 2 decimals",
                hint="numeric(…, 2) in V2; say in the move how to round: round(x::numeric, 2)",
                object=place,
                count=inexact,
            )
        if read and column.not_null is False and profile.nulls == read:
            yield info(
                "column-empty",
                f"{place} is NULL in every row",
                hint="leave it behind (leave.toml), if nothing writes it any more",
                object=place,
                count=read,
            )
        if profile.padded:
            yield info(
                "text-padded",
                f"{place} has spaces before or after the text in {profile.padded} rows",
                hint="btrim(…) in the move, if they mean nothing",
                object=place,
                count=profile.padded,
            )
        if profile.blank and profile.nulls:
            yield info(
                "text-blank-and-null",
                f"{place} says nothing in two ways: {profile.blank} empty, {profile.nulls} NULL",
                hint="nullif(btrim(…), '') in the move makes one of them",
                object=place,
                count=profile.blank,
            )
