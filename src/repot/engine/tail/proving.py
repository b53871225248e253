"""The proof of what is touched, a part for each move: V2's rows are what the views give."""

from __future__ import annotations

from collections.abc import Mapping

from psycopg import sql

from repot.engine.apply.locating import Asked
from repot.engine.apply.names import Names
from repot.engine.apply.scope import adding_to, empty
from repot.engine.apply.temporary import Temporary
from repot.engine.compare import comparing
from repot.engine.prove.touched import EVER, touched_no_more, touched_until
from repot.engine.tail.parts import Parts
from repot.engine.tail.words import COUNTS, REHEARSAL, Block, any_row
from repot.engine.todo import Todo
from repot.model.plan import Derivation, Plan
from repot.postgres.compose import joined
from repot.postgres.connect import Connection

_COUNTS = [sql.SQL(f"repot_{name}") for name in COUNTS]
_PAIRS, _MISSING, _EXTRA, _CHANGED, _ROWS, _REPEATED = _COUNTS
# As compare.Counts.differences says.
_DIFFERENT = sql.SQL("{} + {} + {} + {} + greatest(0, {} + {} - {}) > 0").format(
    _MISSING, _EXTRA, _CHANGED, _REPEATED, _PAIRS, _EXTRA, _ROWS
)


def proving(
    conn: Connection,
    temp: Temporary,
    parts: Parts,
    plan: Plan,
    names: Names,
    todos: Mapping[str, Todo],
    *,
    live: bool,
) -> None:
    """As prove.prove_touched_now does, of scopes; a whole table that is touched is not for here.

    live: V1 is being written. Each comparison is one statement, with one snapshot: what is equal
    there is proven (whatever is written later is touched again when it is applied); else all of the
    move's stays touched, and nothing is said.
    """
    for move in plan.moves:
        todo = todos[move.name]
        touched = any_row([touched_until(todo, EVER)])
        parts.add(_of_one(conn, temp, parts, plan, names, move, todo, live=live), touched)


def _of_one(
    conn: Connection,
    temp: Temporary,
    parts: Parts,
    plan: Plan,
    names: Names,
    move: Derivation,
    todo: Todo,
    *,
    live: bool,
) -> Block:
    block, scope = Block(), empty(temp, move, todo, "prove")
    touched = touched_until(todo, EVER) + sql.SQL(" and not {}").format(REHEARSAL)
    table = plan.target.get(move.table)
    assert table is not None
    keys = Asked(scope.table, todo.fields)
    by = {"v": move.asked_by[1], "t": move.scope}
    compared = comparing(
        conn, move, table, names[move.table], lambda alias: keys.among(by[alias], alias)
    )
    block.do(
        adding_to(scope, touched),
        sql.SQL("select * from ({}) as c ({}) into {}").format(
            compared, joined(_COUNTS), joined(_COUNTS)
        ),
    )
    proven = Block()
    proven.add(parts.state.proven, joined((_PAIRS, _MISSING, _EXTRA), " + "))
    proven.do(touched_no_more(scope, EVER))
    if not live:
        block.give_up(_DIFFERENT, f"rows of {move.name} are not what their view gives")
    block.when(sql.SQL("not ({})").format(_DIFFERENT), proven)
    return block
