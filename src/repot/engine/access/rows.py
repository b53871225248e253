"""Which rows are tried: those that a caller should reach and those that they should not.

All of this is asked as the session's own role, which sees every row; conditions may call
auth.uid(), as the caller's claims are set.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from repot.engine.access.attempt import Again
from repot.engine.access.scene import Caller, Held, Shape
from repot.model.access import ALL, NONE, OWN, TableAccess
from repot.postgres.compose import ident, joined, trusted
from repot.postgres.connect import Connection

SAMPLE = 50  # rows of a class that a SELECT is tried with
WRITES = 2  # and a write
ALIAS = sql.Identifier("row")
_BUSY = ("40001", "40P01", "55P03")


@dataclass(frozen=True)
class Group:
    """Rows that are tried together. should: the caller may reach them; None: not declared."""

    what: str
    condition: sql.Composable
    should: bool | None
    mine: bool | None = None  # the caller's own; None where nothing says whose they are


class CannotAsk(Exception):
    """A condition of access.toml fails."""


class TooLong(Exception):
    """Finding such rows takes too long: no index helps."""


def mine(table: TableAccess, shape: Shape, one: Caller) -> sql.Composable | None:
    """The condition for the caller's own rows; None where nothing says whose a row is."""
    if table.own:
        return sql.SQL("({}\n)").format(trusted(table.own))
    column = shape.column(table.owner) if table.owner else None
    if column is None:
        return None
    if one.person.sub is None:
        return sql.SQL("false")
    return sql.SQL("{}.{} = {}").format(
        ALIAS, sql.Identifier(column.name), cast(one.person.sub, column.type)
    )


def cast(text: str | None, type_: str) -> sql.Composed:
    """A value, as its text, of a type as format_type() writes it."""
    return sql.SQL("{}::{}").format(sql.Literal(text), trusted(type_))


def groups(word: str | None, own: sql.Composable | None) -> list[Group]:
    """The rows inside and outside of what `word` allows."""
    if word is None or word in (ALL, NONE):
        should = None if word is None else word == ALL
        if own is None:
            return [Group("any row", sql.SQL("true"), should)]
        return [
            Group("own rows", own, should, True),
            Group("others' rows", _not(own), should, False),
        ]
    if word == OWN:
        assert own is not None
        return [Group("own rows", own, True, True), Group("others' rows", _not(own), False, False)]
    condition = sql.SQL("({}\n)").format(trusted(word))
    return [
        Group("rows as declared", condition, True),
        Group("other rows", _not(condition), False),
    ]


def within(word: str | None, own: sql.Composable | None) -> sql.Composable | None:
    """The condition for all rows that should be reached; None where that is every row, or not
    declared."""
    inside = [g.condition for g in groups(word, own) if g.should]
    if word is None or word == ALL:
        return None
    return inside[0] if inside else sql.SQL("false")


def _not(condition: sql.Composable) -> sql.Composed:
    return sql.SQL("({}) is not true").format(condition)


@dataclass(frozen=True)
class Locator:
    """How a statement of a role points at rows: by what the role may read."""

    parts: tuple[sql.Composable, ...]
    types: tuple[str, ...]

    def read(self) -> sql.Composed:
        """The parts as texts."""
        return joined(sql.SQL("{}::text").format(p) for p in self.parts)

    def matches(self, keys: Sequence[tuple[str, ...]]) -> sql.Composed:
        """Condition: one of the rows."""
        arrays = joined(
            sql.SQL("{}::text[]::{}[]").format(
                sql.Literal([key[place] for key in keys]), trusted(type_)
            )
            for place, type_ in enumerate(self.types)
        )
        if len(self.parts) == 1:
            return sql.SQL("{} = any ({})").format(self.parts[0], arrays)
        return sql.SQL("({}) in (select * from unnest({}))").format(joined(self.parts), arrays)


def locator(shape: Shape, held: Held) -> Locator | None:
    """By its key, else where it lies; a view's rows by all of their columns. None: the role may not
    read what would tell rows apart."""
    if shape.key and held.select.issuperset(shape.key):
        columns = [shape.column(name) for name in shape.key]
        return Locator(
            tuple(sql.SQL("{}.{}").format(ALIAS, sql.Identifier(n)) for n in shape.key),
            tuple(c.type for c in columns if c is not None),
        )
    if not held.whole:
        return None
    if shape.kind == "r":
        return Locator((sql.SQL("{}.ctid").format(ALIAS),), ("tid",))
    if shape.kind == "p":
        where = (sql.SQL("{}.tableoid").format(ALIAS), sql.SQL("{}.ctid").format(ALIAS))
        return Locator(where, ("oid", "tid"))
    if shape.is_view:
        whole = sql.SQL("pg_catalog.hashtextextended({}::text, 0)").format(ALIAS)
        return Locator((whole,), ("bigint",))
    return None


def source(shape: Shape) -> sql.Composed:
    """What to write after FROM, UPDATE or DELETE FROM."""
    return sql.SQL("{} as {}").format(ident(shape.name), ALIAS)


def sample(
    conn: Connection,
    shape: Shape,
    condition: sql.Composable,
    wanted: sql.Composable,
    most: int,
) -> list[tuple[str, ...]]:
    """`wanted` (texts) of up to `most` rows that fulfil it. Raises CannotAsk, TooLong."""
    query = sql.SQL("select {} from {} where {} limit {}").format(
        wanted, source(shape), condition, sql.Literal(most)
    )
    return [tuple(row) for row in _ask(conn, query)]


def count(conn: Connection, shape: Shape, condition: sql.Composable, most: int) -> int:
    """How many rows fulfil the condition, up to `most`. Raises CannotAsk, TooLong."""
    query = sql.SQL("select count(*) from (select from {} where {} limit {}) as few").format(
        source(shape), condition, sql.Literal(most)
    )
    return int(_ask(conn, query)[0][0])


def _ask(conn: Connection, query: sql.Composed) -> list[Any]:
    try:
        with conn.transaction():
            return conn.execute(query).fetchall()
    except psycopg.Error as failed:
        if conn.closed:
            raise
        if failed.sqlstate in _BUSY:
            raise Again(str(failed)) from failed
        if isinstance(failed, psycopg.errors.QueryCanceled):
            raise TooLong from failed
        raise CannotAsk(failed.diag.message_primary or str(failed)) from failed
