"""Which rows of a move V1's writers changed themselves, and when: not by something beside them.

Scopes do not tell that: where the arms of a UNION ALL give a constant as part of the key, one scope
holds a row of each arm, and a change of one of them has not touched the other's.
"""

from __future__ import annotations

from collections.abc import Mapping

from psycopg import sql

from repot.engine.apply.locating import Keys
from repot.engine.apply.taking import Taken
from repot.engine.apply.temporary import Temporary
from repot.engine.todo import Todo
from repot.model.catalog import Table
from repot.model.names import Name
from repot.model.plan import Derivation, Role, Use
from repot.postgres.compose import ident, idents, joined, trusted
from repot.postgres.connect import Connection


def changed_directly(
    conn: Connection,
    temp: Temporary,
    move: Derivation,
    table: Table,
    todo: Todo,
    taken: Mapping[Name, Taken],
) -> Name | None:
    """A temporary table of what the changes in driving tables tell of the move's keys, and `at`; a
    column that they do not tell is NULL. None if there are none. table: the move's."""
    queries = [
        query
        for use in move.uses
        if use.role is Role.DRIVING and use.source in taken
        if (query := _changed(conn, use, move, table, taken[use.source])) is not None
    ]
    if not queries:
        return None
    columns = sql.SQL("select {}, null::timestamptz as at from {} as v").format(
        idents(move.key, "v"), ident(move.view)
    )
    found = temp.like(f"repot_direct_{todo.id}", columns)
    temp.fill(found, joined(queries, " union all "))
    return found


def same_row(move: Derivation, row: str, changed: str) -> sql.Composed:
    """The key `row` is one of those that a row `changed` of the table may mean."""
    conditions = []
    for column in move.key:
        told, mine = sql.Identifier(changed, column), sql.Identifier(row, column)
        equal = sql.SQL("{} = {}").format(mine, told)
        if column not in move.scope:
            equal = sql.SQL("({} is null or {})").format(told, equal)
        conditions.append(equal)
    return joined(conditions, " and ")


def _changed(
    conn: Connection, use: Use, move: Derivation, table: Table, change: Taken
) -> sql.Composed | None:
    """SELECT: the move's key, as far as a change of this use's source tells it, and when."""
    link = use.link
    assert link is not None
    position = dict(zip(change.captured.columns, change.captured.fields, strict=True))
    fields = [position[c] for c in link.capture]
    origin = sql.SQL("{} as c").format(ident(change.table))
    if link.locate_view is None:
        told = {s: sql.Identifier("c", f) for s, f in zip(move.scope, fields, strict=True)}
        where: sql.Composable = sql.SQL("c.op not in ('T', 't')")
    else:
        told = {s: sql.Identifier("l", s) for s in move.scope}
        links = [f"repot_link_{n}" for n in range(1, len(fields) + 1)]
        among = Keys(conn, change.table, fields).among(links, "l")
        if among is None:
            return None
        where = among
        origin += sql.SQL(" join {} as l on {}").format(
            ident(link.locate_view),
            joined(
                (
                    sql.SQL("{} = {}").format(sql.Identifier("l", n), sql.Identifier("c", f))
                    for n, f in zip(links, fields, strict=True)
                ),
                " and ",
            ),
        )
    fixed = use.constants.columns if use.constants else ()
    if use.constants:
        origin += sql.SQL(" cross join ({}) as f").format(trusted(use.constants.select))
    types = {o.name: o.type for o in move.outputs}
    values = []
    for name in move.key:
        column = table.column(name)
        assert column is not None
        value: sql.Composable = told.get(name, sql.SQL("null"))
        if name not in told and name in fixed:
            value = sql.SQL("{}::{}").format(sql.Identifier("f", name), trusted(types[name]))
        values.append(sql.SQL("{}::{}").format(value, trusted(column.type)))  # as the view does
    return sql.SQL("select {}, c.at from {} where {}").format(joined(values), origin, where)
