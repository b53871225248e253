"""Swap kind `tables`: relations, colliding routines and types change their schema, one by one."""

from __future__ import annotations

from collections.abc import Iterable

from psycopg import sql

from repot.engine.swap.survey import Survey
from repot.engine.swap.things import Thing
from repot.postgres.compose import trusted

# ALTER wants words of its own for some kinds; a routine may be a function, procedure or aggregate.
WORDS = {"routine": "routine", "statistics": "statistics"}
# A routine's identity names its argument types: it moves before they do.
_RANK = {"operator": 0, "routine": 1, "type": 3}


def statements(plan: Survey) -> list[sql.Composable]:
    """The whole swap: those who go make room first."""
    where = plan.direction
    return [
        sql.SQL("create schema if not exists {}").format(sql.Identifier(where.aside)),
        *_moves(plan.outgoing, where.aside),
        *_moves(plan.incoming, where.front),
    ]


def _moves(things: Iterable[Thing], schema: str) -> list[sql.Composed]:
    return [
        sql.SQL("alter {} {} set schema {}").format(
            trusted(WORDS.get(thing.kind, thing.type)),
            trusted(thing.identity),
            sql.Identifier(schema),
        )
        for thing in sorted(things, key=lambda t: _RANK.get(t.kind, 2))
    ]
