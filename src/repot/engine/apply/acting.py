"""Foreign keys ON UPDATE CASCADE, SET NULL or SET DEFAULT: an update writes other rows, too.

Keys of derived rows are never updated, but a key may refer to another unique column. The rows that
it will change are derived anew by a later batch, and are not proven until then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from psycopg import sql

from repot.engine.apply.locating import touched
from repot.engine.apply.work import Child, Work, same_key
from repot.engine.todo import Todo
from repot.postgres.compose import ident, idents, joined
from repot.postgres.connect import Connection
from repot.postgres.together import together


def note_what_keys_change(
    conn: Connection, works: Sequence[Work], todos: Mapping[str, Todo], epoch: int | None
) -> int:
    """Before the works are written: note the rows that their updates will change by a key; gives
    how many.

    epoch: in which they are not proven any more; None on the way back.
    """
    statements = []
    for work in works:
        for todo, query in changed_by_keys(work, todos) if work.wants else ():
            statements.append(
                sql.SQL("insert into {} ({}) select distinct {} from ({}) as q ({})").format(
                    ident(todo.table),
                    idents(todo.fields),
                    idents(todo.fields, "q"),
                    query,
                    idents(todo.fields),
                )
            )
            if epoch is not None:
                statements.append(touched(todo, query, epoch))
    return sum(answer.count for answer in together(conn, statements))


def changed_by_keys(work: Work, todos: Mapping[str, Todo]) -> list[tuple[Todo, sql.Composed]]:
    """SELECTs of the scopes whose rows a key will change when the work is written."""
    found = []
    for child in work.children:
        todo = todos.get(child.derivation.name)
        if todo is None or not child.follows(work):
            continue
        if set(child.key.referenced) & set(work.columns):  # a way back may leave the value out
            found.append((todo, _changed(work, child)))
    return found


def _changed(work: Work, child: Child) -> sql.Composed:
    """Scopes of the child's rows that refer to a row whose value is to be another."""
    refers = joined(
        (
            sql.SQL("{} = {}").format(sql.Identifier("c", a), sql.Identifier("t", b))
            for a, b in zip(child.key.columns, child.key.referenced, strict=True)
        ),
        " and ",
    )
    other = joined(
        (
            sql.SQL("{} is distinct from {}").format(sql.Identifier("t", b), sql.Identifier("w", b))
            for b in child.key.referenced
            if b in work.columns
        ),
        " or ",
    )
    return sql.SQL(
        "select {scope} from {child} as c join {table} as t on {refers}"
        " join {wanted} as w on {same} where {other}"
    ).format(
        scope=idents(child.derivation.scope, "c"),
        child=ident(child.table),
        table=ident(work.table),
        refers=refers,
        wanted=ident(work.wanted),
        same=same_key(work.derivation, "t", "w"),
        other=other,
    )
