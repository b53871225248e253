"""V2's foreign keys to tables that stay: they come with the cutover, so they are proven here.

Asked of the views: V2 is compared with these, and what waits to be applied does not blur the
answer.
"""

from __future__ import annotations

from dataclasses import dataclass

from psycopg import sql

from repot.engine.orphans import orphaned
from repot.engine.swap.outward_keys import of_v2
from repot.model.plan import Plan
from repot.postgres.compose import ident, idents


@dataclass(frozen=True)
class OutwardCheck:
    """One key: `query` gives the rows that point to nobody."""

    name: str
    query: sql.Composable


def outward_checks(plan: Plan) -> list[OutwardCheck]:
    """One check per key of a table that a move fills."""
    moves = {m.table.name: m for m in plan.moves}
    found = []
    for table, key in of_v2(plan):
        move = moves.get(table)
        if move is None or not set(key.columns) <= set(move.columns):
            continue
        columns = list(dict.fromkeys([*move.key, *key.columns]))
        query = sql.SQL("select {} from {} as c where {}").format(
            idents(columns, "c"), ident(move.view), orphaned(key, key.references)
        )
        found.append(OutwardCheck(f"target.sql: {table}.{key.name} → {key.references}", query))
    return found
