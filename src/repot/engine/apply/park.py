"""Unique values that change hands inside one batch (trap 13).

PostgreSQL checks a unique index row by row, so two rows that exchange a value cannot be updated in
one statement. The rows that hold a value which another row of the batch is to get make way first:

* deleted and inserted anew, as they are to be, by one statement, where nobody notices: NO ACTION is
  checked at its end, when the row is there again; other actions, and triggers, are not;
* else they give the value up for one that nobody has, the first that their constraints allow.

Where neither goes the update that follows fails, and the batch with it.
"""

from __future__ import annotations

from collections.abc import Sequence

import psycopg
from psycopg import sql

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


def make_way(conn: Connection, work: Work, found: Sequence[Held]) -> int:
    """Take unique values from the rows that must give them up; gives how many rows are as they are
    to be by now. found: by `in_the_way`."""
    for unique, among in found:
        if among == work.doomed:  # a row still refers to it
            _park(conn, work, unique.columns, _holders(work, unique, among), unique)
    found = [h for h in found if h[1] == work.wanted]
    if not found:
        return 0
    columns = _exchangeable(conn, work)
    if columns:
        holders = joined((_holders(work, *h) for h in found), " union ")
        try:
            with conn.transaction():
                return _exchange(conn, work, columns, holders)
        except psycopg.errors.ForeignKeyViolation:
            pass  # a row is to refer to one that comes with it
    for unique, among in found:
        _park(conn, work, unique.columns, _holders(work, unique, among), unique)
    return 0


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


def make_all_way(conn: Connection, work: Work) -> int:
    """The same after a value was taken all the same: every row that changes makes way."""
    d = work.derivation
    columns = _exchangeable(conn, work)
    if columns:
        try:
            with conn.transaction():
                return _exchange(conn, work, columns, _changing(work, work.columns))
        except psycopg.errors.ForeignKeyViolation:
            pass
    rows = conn.execute(
        load("unique_columns.sql").encode(), {"table": ident(work.table).as_string(conn)}
    ).fetchall()
    for (found,) in rows:
        assert isinstance(found, list)
        unique = [str(c) for c in found if c in work.columns and c not in d.key]
        if unique:
            _park(conn, work, unique, _changing(work, unique))
    return 0


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


def _exchangeable(conn: Connection, work: Work) -> list[str]:
    """The table's columns, if its rows may be deleted and inserted anew; else none."""
    row = conn.execute(
        load("exchangeable.sql").encode(), {"table": ident(work.table).as_string(conn)}
    ).fetchone()
    return [str(c) for c in row[0]] if row and isinstance(row[0], list) else []


def _exchange(conn: Connection, work: Work, columns: Sequence[str], holders: sql.Composable) -> int:
    """Delete the rows and insert them as they are to be; gives their number. What is not derived
    stays as it was."""
    d = work.derivation
    done = conn.execute(
        sql.SQL(
            "with gone as (delete from {table} as t using ({holders}) as h where {held}"
            "  returning t.*)"
            " insert into {table} ({columns}) overriding system value"
            " select {values} from gone as g join {wanted} as w on {same}"
            # All are gone before the first is there again.
            " where (select count(*) from gone) > 0"
        ).format(
            table=ident(work.table),
            holders=holders,
            held=same_key(d, "t", "h"),
            columns=idents(columns),
            values=joined(sql.Identifier("w" if c in work.columns else "g", c) for c in columns),
            wanted=ident(work.wanted),
            same=same_key(d, "g", "w"),
        )
    )
    return done.rowcount


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
