"""Bringing a table to what its rows should be: delete, update, insert, set by set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from psycopg import sql

from repot.engine.apply.park import park
from repot.engine.compare import compared_columns, differs
from repot.model.catalog import Column, Table
from repot.model.names import Name
from repot.model.plan import Derivation
from repot.postgres.compose import ident, idents, joined
from repot.postgres.connect import Connection


@dataclass(frozen=True)
class Work:
    """One derivation's share: the wanted rows and the keys to delete, both in temporary tables, and
    how many they are; `table` is the table's name now, `columns` are those that are written."""

    derivation: Derivation
    description: Table
    table: Name
    wanted: Name
    doomed: Name
    columns: tuple[str, ...]
    wants: int = 0
    dooms: int = 0

    def with_doomed(self, rows: int) -> Work:
        return replace(self, dooms=rows)

    def described(self, column: str) -> Column:
        found = self.description.column(column)
        assert found is not None
        return found


def forward_columns(move: Derivation, table: Table) -> tuple[str, ...]:
    """What a forward write sets: the move's columns, and constant defaults where V2 had its own
    value in a column that the move leaves out (after a rollback V1 is the truth again)."""
    compared = {c.name for c in compared_columns(move, table)[0]}
    return tuple(c.name for c in table.columns if c.name in move.columns or c.name in compared)


def same_key(derivation: Derivation, left: str, right: str) -> sql.Composed:
    """`left` and `right` are the same row."""
    return joined(
        (
            sql.SQL("{}.{} = {}.{}").format(
                sql.Identifier(left), sql.Identifier(c), sql.Identifier(right), sql.Identifier(c)
            )
            for c in derivation.key
        ),
        " and ",
    )


def delete(conn: Connection, work: Work, unless: sql.Composable | None = None) -> int:
    """Delete the doomed keys, but for rows `t` of which `unless` is true; gives their number."""
    done = conn.execute(
        sql.SQL("delete from {} as t using {} as d where {} and not ({})").format(
            ident(work.table),
            ident(work.doomed),
            same_key(work.derivation, "t", "d"),
            unless or sql.SQL("false"),
        )
    )
    return done.rowcount


def referring(parent: Work, works: Sequence[Work]) -> sql.Composable:
    """Condition on `t`, a row of `parent`: a row that is not doomed refers to it."""
    found = [
        sql.SQL(
            "exists (select from {child} as c where {refers}"
            " and not exists (select from {doomed} as x where {same}))"
        ).format(
            child=ident(work.table),
            refers=joined(
                (
                    sql.SQL("c.{} = t.{}").format(sql.Identifier(a), sql.Identifier(b))
                    for a, b in zip(key.columns, key.referenced, strict=True)
                ),
                " and ",
            ),
            doomed=ident(work.doomed),
            same=same_key(work.derivation, "x", "c"),
        )
        for work in works
        for key in work.description.foreign_keys
        if key.references == parent.derivation.table and key.on_delete in ("a", "r")
    ]
    return joined(found, " or ") if found else sql.SQL("false")


def update(conn: Connection, work: Work) -> int:
    """Update the rows that are there and differ; gives their number."""
    d = work.derivation
    rest = [c for c in work.columns if c not in d.key]
    exact = [*rest, *(c for c in d.key)]  # 1.0 and 1.00 are one key and two values
    parked = park(conn, work) if work.wants > 1 else 0  # one row changes hands with nobody
    different = joined(
        (
            differs(
                sql.SQL("t.{}").format(sql.Identifier(c)),
                sql.SQL("w.{}").format(sql.Identifier(c)),
                work.described(c),
            )
            for c in exact
        ),
        " or ",
    )
    values = joined(
        sql.SQL("{c} = w.{c}").format(c=sql.Identifier(c))
        for c in exact
        if work.described(c).identity != "a"
    )
    done = conn.execute(
        sql.SQL("update {} as t set {} from {} as w where {} and ({})").format(
            ident(work.table), values, ident(work.wanted), same_key(d, "t", "w"), different
        )
    )
    return max(done.rowcount, parked)  # a parked row is updated again, and counted once


def insert(conn: Connection, work: Work) -> int:
    """Insert the rows that are not there; gives their number."""
    d = work.derivation
    done = conn.execute(
        sql.SQL(
            "insert into {table} ({columns}) overriding system value"
            " select {columns} from {wanted} as w"
            " where not exists (select from {table} as t where {same})"
        ).format(
            table=ident(work.table),
            columns=idents(work.columns),
            wanted=ident(work.wanted),
            same=same_key(d, "t", "w"),
        )
    )
    return done.rowcount
