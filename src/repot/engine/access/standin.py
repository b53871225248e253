"""Somebody else of the same kind, where none of those who are tried has a row of a table."""

from __future__ import annotations

from collections.abc import Sequence

import psycopg
from psycopg import sql

from repot.engine.access.attempt import Again
from repot.engine.access.people import People
from repot.engine.access.rows import CannotAsk, TooLong, count, mine, source
from repot.engine.access.scene import Caller, Place, Shape, prepare
from repot.model.access import NONE, ROWS, Identity, Rights, TableAccess
from repot.postgres.compose import trusted
from repot.postgres.connect import Connection

ONE_BY_ONE = 20  # people who are asked where a condition says whose a row is


def stand_in(
    conn: Connection,
    place: Place,
    shape: Shape,
    table: TableAccess,
    rights: Rights | None,
    people: People,
    identity: Identity,
) -> Caller | None:
    """The first of the identity's further people who has a row; None where nobody has, where one of
    the first has, or where it does not matter. It is a wish: what fails here is said elsewhere."""
    first, more = people.of(identity.name), people.more.get(identity.name, ())
    if not more or (rights is not None and all(rights.of(o) == NONE for o in ROWS)):
        return None
    try:
        with conn.transaction(force_rollback=True):
            prepare(conn, place, more[0])
            column = shape.column(table.owner) if table.owner and not table.own else None
            if column is not None:
                if _owners(conn, shape, column.name, column.type, first):
                    return None
                found = _owners(conn, shape, column.name, column.type, more)
                return next((c for c in more if c.person.sub in found), None)
            if not table.own or _first(conn, place, shape, table, first) is not None:
                return None
            return _first(conn, place, shape, table, more[:ONE_BY_ONE])
    except (CannotAsk, TooLong, Again, psycopg.Error):
        if conn.closed:
            raise
        return None


def _owners(
    conn: Connection, shape: Shape, column: str, type_: str, callers: Sequence[Caller]
) -> set[str]:
    """Whose of them a row is: one is enough."""
    rows = conn.execute(
        sql.SQL("select {c}::text from {s} where {c} = any ({w}::text[]::{t}[]) limit 1").format(
            c=sql.Identifier("row", column),
            s=source(shape),
            w=sql.Literal([c.person.sub for c in callers]),
            t=trusted(type_),
        )
    ).fetchall()
    return {str(row[0]) for row in rows}


def _first(
    conn: Connection, place: Place, shape: Shape, table: TableAccess, callers: Sequence[Caller]
) -> Caller | None:
    for one in callers:
        prepare(conn, place, one)
        own = mine(table, shape, one)
        if own is not None and count(conn, shape, own, 1):
            return one
    return None
