"""The proof of what is touched, as lines of the function: V2's rows are what the views give."""

from __future__ import annotations

from collections.abc import Mapping

from psycopg import sql

from repot.engine.apply.locating import Asked
from repot.engine.apply.names import Names
from repot.engine.apply.scope import adding_to, empty
from repot.engine.apply.temporary import Temporary
from repot.engine.compare import comparing
from repot.engine.prove.touched import EVER, touched_no_more, touched_until
from repot.engine.tail.words import PROVEN, REHEARSAL, Block, add, any_row
from repot.engine.todo import Todo
from repot.model.plan import Derivation, Plan
from repot.postgres.compose import idents
from repot.postgres.connect import Connection

# As in compare.Counts.
_PAIRS, _MISSING, _EXTRA, _CHANGED, _ROWS, _REPEATED = _COUNTS = [
    "repot_pairs",
    "repot_missing",
    "repot_extra",
    "repot_changed",
    "repot_rows",
    "repot_repeated",
]
_DIFFERENT = sql.SQL("{} + {} + {} + {} + greatest(0, {} - {}) > 0").format(
    *(sql.SQL(n) for n in (_MISSING, _EXTRA, _CHANGED, _REPEATED)),
    sql.SQL("{} + {}").format(sql.SQL(_PAIRS), sql.SQL(_EXTRA)),
    sql.SQL(_ROWS),
)


def proving(
    conn: Connection,
    temp: Temporary,
    block: Block,
    plan: Plan,
    names: Names,
    todos: Mapping[str, Todo],
) -> None:
    """As prove.prove_touched_now does, of scopes; a whole table that is touched is not for here."""
    for name in _COUNTS:
        block.variable(name, "bigint")
    for move in plan.moves:
        touched = touched_until(todos[move.name], EVER)
        block.when(any_row(touched), _of_one(conn, temp, plan, names, move, todos[move.name]))


def _of_one(
    conn: Connection, temp: Temporary, plan: Plan, names: Names, move: Derivation, todo: Todo
) -> Block:
    block, scope = Block(), empty(temp, move, todo, "prove")
    touched = touched_until(todo, EVER) + sql.SQL(" and not {}").format(REHEARSAL)
    table = plan.target.get(move.table)
    assert table is not None
    keys = Asked(scope.table, todo.fields)
    compared = comparing(
        conn, move, table, names[move.table], lambda alias: keys.among(move.scope, alias)
    )
    counts = [sql.SQL(name) for name in _COUNTS]
    block.do(
        adding_to(scope, touched),
        sql.SQL("select * from ({}) as c ({}) into {}").format(
            compared, idents(_COUNTS), sql.SQL(", ").join(counts)
        ),
    )
    block.give_up(_DIFFERENT, f"rows of {move.name} are not what their view gives")
    rows = sql.SQL(" + ").join(sql.SQL(n) for n in (_PAIRS, _MISSING, _EXTRA))
    block.do(add(PROVEN, rows), touched_no_more(scope, EVER))
    return block
