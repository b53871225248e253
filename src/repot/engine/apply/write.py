"""Bringing a table to what its rows should be: update and insert, set by set."""

from __future__ import annotations

from psycopg import sql

from repot.engine.apply.park import TAKEN, make_all_way, make_way, may_meet
from repot.engine.apply.work import Work, same_key
from repot.engine.compare import compared_columns, differs
from repot.model.catalog import Table
from repot.model.plan import Derivation
from repot.postgres.compose import ident, idents, joined
from repot.postgres.connect import Connection


def forward_columns(move: Derivation, table: Table) -> tuple[str, ...]:
    """What a forward write sets: the move's columns, and constant defaults where V2 had its own
    value in a column that the move leaves out (after a rollback V1 is the truth again)."""
    compared = {c.name for c in compared_columns(move, table)[0]}
    return tuple(c.name for c in table.columns if c.name in move.columns or c.name in compared)


def update(conn: Connection, work: Work) -> int:
    """Update the rows that are there and differ; gives their number."""
    moved = make_way(conn, work)
    if not may_meet(work):
        return moved + _update(conn, work)
    try:
        with conn.transaction():
            return moved + _update(conn, work)
    except TAKEN:
        moved += make_all_way(conn, work)
    return moved + _update(conn, work)


def _update(conn: Connection, work: Work) -> int:
    d = work.derivation
    rest = [c for c in work.columns if c not in d.key]
    exact = [*rest, *(c for c in d.key)]  # 1.0 and 1.00 are one key and two values
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
    return done.rowcount


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
