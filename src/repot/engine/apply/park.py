"""Unique values that change hands inside one batch (trap 13).

PostgreSQL checks a unique index row by row, so two rows that exchange a value cannot be updated in
one statement. The rows that hold a value which another row of the batch is to get make way:

* they are exchanged by the statement that writes them (`exchange.py`), where nobody notices;
* else they give the value up for one that nobody has, the first that their constraints allow.

Where neither goes the update that follows fails, and the batch with it.
"""

from __future__ import annotations

from collections.abc import Sequence

import psycopg
from psycopg import sql

from repot.engine.apply.exchange import Exchange, exchange
from repot.engine.apply.parking import free_values
from repot.engine.apply.work import Work, same_key
from repot.engine.compare import any_differs
from repot.engine.sql import load
from repot.model.catalog import Unique
from repot.model.names import Name
from repot.postgres.compose import ident, idents, joined
from repot.postgres.connect import Connection

TAKEN = (psycopg.errors.UniqueViolation, psycopg.errors.ExclusionViolation)
_REFUSED = (
    psycopg.IntegrityError,
    psycopg.DataError,
    psycopg.errors.RaiseException,
    psycopg.errors.ProgramLimitExceeded,  # a character that the encoding has not
)
_OWN_TYPES = 16384  # types below it are PostgreSQL's, and so is their `=`


Held = tuple[Unique, Name]
"""A unique key whose values change hands, and the keys among which the rows are that hold them."""


def in_the_way(conn: Connection, works: Sequence[Work]) -> list[list[Held]]:
    """For each of the works, what rows must make way for it; one round trip."""
    # One row changes hands with nobody, unless a row that is to go still stands in its way.
    alone = [not w.wants or (w.wants < 2 and not w.dooms) for w in works]
    asked = [[] if one else _moving(work) for one, work in zip(alone, works, strict=True)]
    questions = [_held(work, h) for work, held in zip(works, asked, strict=True) for h in held]
    if not questions:
        return asked
    row = conn.execute(sql.SQL("select {}").format(joined(questions))).fetchone()
    assert row is not None
    answers = iter(row)
    return [[h for h in held if next(answers)] for held in asked]


def any_in_the_way(work: Work) -> sql.Composed | None:
    """Condition: a row must make way, if the work wants several rows or dooms some; None: never."""
    questions = [_held(work, held) for held in _moving(work)]
    return joined(questions, " or ") if questions else None


def _moving(work: Work) -> list[Held]:
    uniques = [u for u in work.description.uniques if _moves(u, work)]
    return [(u, among) for u in uniques for among in (work.doomed, work.wanted)]


def _held(work: Work, held: Held) -> sql.Composed:
    return sql.SQL("exists ({})").format(_holders(work, *held))


def make_way(conn: Connection, work: Work, found: Sequence[Held]) -> Exchange | None:
    """Take unique values from the rows that must give them up. found: by `in_the_way`. Gives those
    that need not, as they can be exchanged by the statement that writes them."""
    for unique, among in found:
        if among == work.doomed:  # a row still refers to it
            _park(conn, work, unique.columns, _holders(work, unique, among), unique)
    holders = [_holders(work, *held) for held in found if held[1] == work.wanted]
    if not holders:
        return None
    rows = exchange(conn, work, joined(holders, " union "))
    if rows is None:
        park(conn, work, found)
    return rows


def park(conn: Connection, work: Work, found: Sequence[Held]) -> None:
    """Take unique values from the rows that are to have others."""
    for unique, among in found:
        if among == work.wanted:
            _park(conn, work, unique.columns, _holders(work, unique, among), unique)


def may_meet(work: Work) -> bool:
    """Whether `make_way` may have overlooked rows: of an index of expressions or of some rows only,
    of an exclusion constraint, of a type for which not only equal texts are equal."""
    return work.wants > 1 and (
        any(
            (i.unique and i.partial_or_expression) or (i.constraint and not i.unique)
            for i in work.description.indexes
        )
        or any(
            work.described(c).type_oid >= _OWN_TYPES or not work.described(c).deterministic
            for u in work.description.uniques
            if _moves(u, work)
            for c in u.columns
        )
    )


def all_changing(conn: Connection, work: Work) -> Exchange | None:
    """Every row that changes, after a value was taken all the same."""
    return exchange(conn, work, _changing(work, work.columns))


def park_all(conn: Connection, work: Work) -> None:
    """Take their unique values from all rows that change."""
    rows = conn.execute(
        load("unique_columns.sql").encode(), {"table": ident(work.table).as_string(conn)}
    ).fetchall()
    for (found,) in rows:
        assert isinstance(found, list)
        unique = [str(c) for c in found if c in work.columns and c not in work.derivation.key]
        if unique:
            _park(conn, work, unique, _changing(work, unique))


def _moves(unique: Unique, work: Work) -> bool:
    """Whether its values are written, other than with new rows, and checked row by row."""
    key = set(work.derivation.key)
    return not unique.deferrable and bool(set(unique.columns) & set(work.columns) - key)


def _holders(work: Work, unique: Unique, among: Name) -> sql.Composed:
    """SELECT: keys of the rows, of those in `among`, that hold values another row is to get."""
    d = work.derivation
    kept = [c for c in unique.columns if c not in work.columns]
    return sql.SQL(
        "select {key} from {wanted} as w {own} join {table} as t on {taken}"
        " join {among} as m on {mine} where not ({same})"
    ).format(
        key=idents(d.key, "t"),
        wanted=ident(work.wanted),
        own=sql.SQL("join {} as o on {}").format(ident(work.table), same_key(d, "o", "w"))
        if kept
        else sql.SQL(""),
        table=ident(work.table),
        taken=joined(
            (_same(work, unique, c, "o" if c in kept else "w") for c in unique.columns), " and "
        ),
        among=ident(among),
        mine=same_key(d, "m", "t"),
        same=same_key(d, "w", "t"),
    )


def _same(work: Work, unique: Unique, column: str, alias: str) -> sql.Composed:
    one: sql.Composable = sql.Identifier(alias, column)
    other: sql.Composable = sql.Identifier("t", column)
    if work.described(column).type_oid >= _OWN_TYPES:  # its `=` may be out of reach
        one, other = one + sql.SQL("::text"), other + sql.SQL("::text")
    by = sql.SQL(" is not distinct from " if unique.nulls_not_distinct else " = ")
    return one + by + other


def _changing(work: Work, columns: Sequence[str]) -> sql.Composed:
    """SELECT: keys of the rows that are there and are to be others, in one of the columns."""
    d = work.derivation
    return sql.SQL("select {} from {} as t join {} as w on {} where {}").format(
        idents(d.key, "t"),
        ident(work.table),
        ident(work.wanted),
        same_key(d, "t", "w"),
        any_differs([work.described(c) for c in columns], "t", "w"),
    )


def _park(
    conn: Connection,
    work: Work,
    columns: Sequence[str],
    holders: sql.Composable,
    unique: Unique | None = None,
) -> None:
    """Put a value that nobody has into one of the columns of these rows, the first that goes."""
    d = work.derivation
    nulls = unique is None or not unique.nulls_not_distinct
    watched = {c for child in work.children for c in child.key.referenced}
    keys = [f"k{number}" for number in range(len(d.key))]
    numbered = sql.SQL("(select row_number() over (), f.* from ({}) as f) as h (n, {})").format(
        holders, idents(keys)
    )
    same = joined(
        (
            sql.SQL("{} = {}").format(sql.Identifier("t", c), sql.Identifier("h", k))
            for c, k in zip(d.key, keys, strict=True)
        ),
        " and ",
    )
    for column in columns:
        if column in d.key or column in watched or column not in work.columns:
            continue
        for value in free_values(work, work.described(column), nulls=nulls):
            query = sql.SQL("update {} as t set {} = {} from {} where {}").format(
                ident(work.table), sql.Identifier(column), value, numbered, same
            )
            try:
                with conn.transaction():
                    conn.execute(query)
            except _REFUSED:
                continue
            return
