"""Unique values that change hands inside one batch (trap 13).

PostgreSQL checks a unique index row by row, so two rows that exchange a value cannot be updated in
one statement. The rows that hold a value another row of the batch wants first give it up for one
that nobody has: NULL where it is allowed, else a value made of the row's own place in the table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg import sql

from repot.model.catalog import Column
from repot.postgres.compose import ident, joined
from repot.postgres.connect import Connection

if TYPE_CHECKING:
    from repot.engine.apply.write import Work

_TEXT = ("text", "character varying", "character", "citext")
_NUMBERS = ("smallint", "integer", "bigint", "numeric", "real", "double precision")


def park(conn: Connection, work: Work) -> int:
    """Take unique values from the rows that must give them up; gives the number of rows parked."""
    d, parked = work.derivation, 0
    for unique in work.description.uniques:
        columns = unique.columns
        if set(columns) <= set(d.key) or not set(columns) <= set(d.columns):
            continue
        movable = [work.described(c) for c in columns if c not in d.key]
        chosen = next((c for c in movable if _parking(c) is not None), None)
        if chosen is None:
            continue
        value = _parking(chosen)
        assert value is not None
        taken = joined(
            (sql.SQL("w.{c} = t.{c}").format(c=sql.Identifier(c)) for c in columns), " and "
        )
        other = joined(sql.SQL("w.{c}").format(c=sql.Identifier(c)) for c in d.key)
        own = joined(sql.SQL("t.{c}").format(c=sql.Identifier(c)) for c in d.key)
        done = conn.execute(
            sql.SQL(
                "update {table} as t set {column} = {value}"
                " where exists (select from {wanted} as w where {taken} and ({other}) <> ({own}))"
                " and exists (select from {wanted} as o where ({mine}) = ({own}))"
            ).format(
                table=ident(work.table),
                column=sql.Identifier(chosen.name),
                value=value,
                wanted=ident(work.wanted),
                taken=taken,
                other=other,
                own=own,
                mine=joined(sql.SQL("o.{c}").format(c=sql.Identifier(c)) for c in d.key),
            )
        )
        parked += done.rowcount
    return parked


def _parking(column: Column) -> sql.Composable | None:
    """A value that no other row has, as an expression over the row `t`."""
    if not column.not_null:
        return sql.SQL("null")
    if column.base_type in _TEXT:
        return sql.SQL("'repot parked ' || t.ctid::text")
    if column.base_type == "uuid":
        return sql.SQL("pg_catalog.gen_random_uuid()")
    if column.base_type in _NUMBERS:
        return sql.SQL("-1 - abs(t.{c})").format(c=sql.Identifier(column.name))
    return None
