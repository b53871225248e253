"""Rows deleted and inserted anew, as they are to be, by the statement that writes their unit.

So values change hands between rows without any of them having another in between. Nobody notices:
NO ACTION is checked at the statement's end, when the row is there again. Where somebody would, rows
are not exchanged: keys that do more, triggers and rules that look on, and others who write the
table and would find the row gone for which they waited.
"""

from __future__ import annotations

from dataclasses import dataclass

from psycopg import sql

from repot.engine.apply.work import Work, same_key
from repot.engine.sql import load
from repot.postgres.compose import ident, idents, joined
from repot.postgres.connect import Connection


@dataclass(frozen=True)
class Exchange:
    """Rows of a work that are exchanged: `holders` selects their keys, all of them among those that
    are wanted; `columns` are the table's."""

    columns: tuple[str, ...]
    holders: sql.Composable


def exchange(conn: Connection, work: Work, holders: sql.Composable) -> Exchange | None:
    """None where the rows cannot be exchanged without anybody noticing."""
    row = conn.execute(
        load("exchangeable.sql").encode(),
        {
            "table": ident(work.table).as_string(conn),
            "key": list(work.derivation.key),
            "derived": [ident(child.table).as_string(conn) for child in work.children],
        },
    ).fetchone()
    if work.shared or not row or not isinstance(row[0], list):
        return None
    return Exchange(tuple(str(c) for c in row[0]), holders)


def taking_out(work: Work, rows: Exchange) -> sql.Composed:
    """The statement that deletes the rows and returns them."""
    return sql.SQL(
        "delete from {table} as t using ({holders}) as h where {held} returning t.*"
    ).format(
        table=ident(work.table), holders=rows.holders, held=same_key(work.derivation, "t", "h")
    )


def not_in(work: Work, gone: sql.Identifier) -> sql.Composed:
    """Condition on `t`, that follows others: it is not one of the rows that were taken out."""
    return sql.SQL(" and not exists (select from {} as g where {})").format(
        gone, same_key(work.derivation, "g", "t")
    )


def putting_back(work: Work, rows: Exchange, gone: sql.Identifier) -> sql.Composed:
    """The statement that inserts them. What is not derived stays as it was."""
    return sql.SQL(
        "insert into {table} ({columns}) overriding system value"
        " select {values} from {gone} as g join {wanted} as w on {same}"
        # All are gone before the first is there again.
        " where (select count(*) from {gone}) > 0"
    ).format(
        table=ident(work.table),
        columns=idents(rows.columns),
        values=joined(sql.Identifier("w" if c in work.columns else "g", c) for c in rows.columns),
        gone=gone,
        wanted=ident(work.wanted),
        same=same_key(work.derivation, "g", "w"),
    )
