"""Swap kind `tables`: every table, view, sequence and colliding routine or type changes its schema."""

from __future__ import annotations

from collections.abc import Iterable

from psycopg import sql

from repot.engine.swap.survey import Survey
from repot.engine.swap.things import Thing
from repot.postgres.compose import trusted
from repot.postgres.connect import Connection

# ALTER wants words of its own for some kinds; a routine may be a function, procedure or aggregate.
_WORDS = {"routine": "routine", "statistics": "statistics"}
# A routine's identity names its argument types: it moves before they do.
_RANK = {"operator": 0, "routine": 1, "type": 3}


def move(conn: Connection, plan: Survey) -> None:
    """The whole swap in one round trip: those who go make room first."""
    statements = [*_moves(plan.outgoing, plan.direction.aside)]
    statements += _moves(plan.incoming, plan.direction.front)
    if statements:
        conn.execute(sql.SQL(";\n").join(statements))


def _moves(things: Iterable[Thing], schema: str) -> list[sql.Composed]:
    return [
        sql.SQL("alter {} {} set schema {}").format(
            trusted(_WORDS.get(thing.kind, thing.type)),
            trusted(thing.identity),
            sql.Identifier(schema),
        )
        for thing in sorted(things, key=lambda t: _RANK.get(t.kind, 2))
    ]
