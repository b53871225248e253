"""The statements that bring one table's rows to what they should be."""

from __future__ import annotations

from psycopg import sql

from repot.engine.apply.work import Work, same_key
from repot.engine.compare import differs
from repot.postgres.compose import ident, idents, joined


def update(work: Work) -> sql.Composed:
    """Rows that are there and differ."""
    different = joined(
        (
            differs(
                sql.SQL("t.{}").format(sql.Identifier(c)),
                sql.SQL("w.{}").format(sql.Identifier(c)),
                work.described(c),
            )
            for c in _exact(work)
        ),
        " or ",
    )
    return sql.SQL("update {} as t set {} from {} as w where {} and ({})").format(
        ident(work.table),
        values(work),
        ident(work.wanted),
        same_key(work.derivation, "t", "w"),
        different,
    )


def insert(work: Work) -> sql.Composed:
    """Rows `w` that are not there; a condition may follow."""
    return sql.SQL(
        "insert into {table} ({columns}) overriding system value"
        " select {columns} from {wanted} as w"
        " where not exists (select from {table} as t where {same})"
    ).format(
        table=ident(work.table),
        columns=idents(work.columns),
        wanted=ident(work.wanted),
        same=same_key(work.derivation, "t", "w"),
    )


def values(work: Work) -> sql.Composed:
    """What SET sets, from `w`."""
    return joined(
        sql.SQL("{c} = w.{c}").format(c=sql.Identifier(c))
        for c in _exact(work)
        if work.described(c).identity != "a"
    )


def _exact(work: Work) -> list[str]:
    key = work.derivation.key
    # The key as well: 1.0 and 1.00 are one key and two values.
    return [*(c for c in work.columns if c not in key), *key]
