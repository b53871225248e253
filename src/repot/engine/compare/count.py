"""How many rows of a view and its table differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import sql

from repot.engine.compare.sides import HERE, sides
from repot.engine.compare.values import any_differs, is_exact
from repot.engine.compare.where import Where, everywhere
from repot.model.catalog import Column, Table
from repot.model.names import Name
from repot.model.plan import Derivation
from repot.postgres.compose import ident, idents
from repot.postgres.connect import Connection


@dataclass(frozen=True)
class Counts:
    """Rows of a view and a table, side by side."""

    pairs: int = 0
    missing: int = 0  # in the view only
    extra: int = 0  # in the table only
    changed: int = 0
    table_rows: int = 0
    repeated: int = 0  # rows of the table beyond the first for one key

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.pairs + other.pairs,
            self.missing + other.missing,
            self.extra + other.extra,
            self.changed + other.changed,
            self.table_rows + other.table_rows,
            self.repeated + other.repeated,
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
        return self.missing + self.extra + self.changed + self.duplicates + self.repeated


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
    """Count how view and table differ in the rows of `where`; `now` is the table's name now.

    A row with NULL in its key has no partner: it is missing, or extra.
    """
    row = conn.execute(comparing(conn, d, table, now, where)).fetchone()
    assert row is not None
    return counted(row)


def counted(row: Sequence[object]) -> Counts:
    """The answer to `comparing`."""
    return Counts(*(int(str(n)) for n in row))


def comparing(
    conn: Connection, d: Derivation, table: Table, now: Name, where: Where
) -> sql.Composed:
    """The statement of `compare`."""
    compared, _ = compared_columns(d, table)
    both = sides(conn, d, now)
    repeated: sql.Composable = sql.SQL("0")
    if not both.unique:
        repeated = sql.SQL(
            "(select coalesce(sum(n - 1), 0) from (select count(*) as n from {} as t where {}"
            " group by {} having count(*) > 1) as k)"
        ).format(ident(now), where("t"), idents(d.key, "t"))
    return sql.SQL(
        "select count(*) filter (where v.{here} and t.{here}),"
        " count(*) filter (where t.{here} is null),"
        " count(*) filter (where v.{here} is null),"
        " count(*) filter (where v.{here} and t.{here} and ({changed})),"
        " (select count(*) from {table} as t where {where}),"
        " {repeated}"
        " from {joined}"
    ).format(
        here=sql.Identifier(HERE),
        changed=any_differs(compared, "v", "t"),
        table=ident(now),
        where=where("t"),
        repeated=repeated,
        joined=both.joined(compared, where),
    )
