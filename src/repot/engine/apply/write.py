"""Bringing a table to what its rows should be: update and insert, set by set."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import sql

from repot.engine.apply.park import TAKEN, Held, in_the_way, make_all_way, make_way, may_meet
from repot.engine.apply.work import Work, same_key
from repot.engine.compare import compared_columns, differs
from repot.model.catalog import Table
from repot.model.plan import Derivation
from repot.postgres.compose import ident, idents, joined
from repot.postgres.connect import Connection
from repot.postgres.together import together


def forward_columns(move: Derivation, table: Table) -> tuple[str, ...]:
    """What a forward write sets: the move's columns, and constant defaults where V2 had its own
    value in a column that the move leaves out (after a rollback V1 is the truth again)."""
    compared = {c.name for c in compared_columns(move, table)[0]}
    return tuple(c.name for c in table.columns if c.name in move.columns or c.name in compared)


def update_and_insert(conn: Connection, works: Sequence[Work]) -> list[int]:
    """Update the rows that are there and differ, insert those that are not there, in order of the
    works; gives their numbers."""
    counts, plain = [0] * len(works), list[int]()

    def flush() -> None:
        writing = [(n, s) for n in plain for s in written(works[n])]
        for (n, _), answer in zip(writing, together(conn, [s for _, s in writing]), strict=True):
            counts[n] += int(str(answer.rows[0][0])) if answer.rows else answer.count
        plain.clear()

    for number, (work, found) in enumerate(zip(works, in_the_way(conn, works), strict=True)):
        if found or may_meet(work):
            flush()
            counts[number] += _carefully(conn, work, found)
        plain.append(number)
    flush()
    return counts


def _carefully(conn: Connection, work: Work, found: Sequence[Held]) -> int:
    """Rows that had to make way, and what could not be told beforehand; gives what is done."""
    moved = make_way(conn, work, found)
    if not may_meet(work):
        return moved
    try:
        with conn.transaction():
            return moved + conn.execute(_update(work)).rowcount
    except TAKEN:
        return moved + make_all_way(conn, work)


def written(work: Work) -> list[sql.Composed]:
    """The statements: update, then insert. Rows that stay may come to refer to new ones of the
    same table, and new ones to values that others get: then it is one statement, at whose end the
    keys are checked."""
    update, insert = _update(work), _insert(work)
    if not refers_to_itself(work):
        return [update, insert]
    return [
        sql.SQL(
            "with changed as ({} returning 1), added as ({} returning 1)"
            # In this order: what is changed may free a value for what is added.
            " select (select count(*) from changed) + (select count(*) from added)"
        ).format(update, insert)
    ]


def refers_to_itself(work: Work) -> bool:
    """Whether its table has a foreign key to itself."""
    return any(key.references == work.derivation.table for key in work.description.foreign_keys)


def _update(work: Work) -> sql.Composed:
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
    return sql.SQL("update {} as t set {} from {} as w where {} and ({})").format(
        ident(work.table), values, ident(work.wanted), same_key(d, "t", "w"), different
    )


def _insert(work: Work) -> sql.Composed:
    d = work.derivation
    return sql.SQL(
        "insert into {table} ({columns}) overriding system value"
        " select {columns} from {wanted} as w"
        " where not exists (select from {table} as t where {same})"
    ).format(
        table=ident(work.table),
        columns=idents(work.columns),
        wanted=ident(work.wanted),
        same=same_key(d, "t", "w"),
    )
