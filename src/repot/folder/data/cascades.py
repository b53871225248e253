"""Rows of tables declared to be kept that a statement would take along."""

from __future__ import annotations

from collections.abc import Iterator

from postgast import PgQueryError
from postgast import pg_query_pb2 as pb
from psycopg import sql

from repot.folder.data import changes as ch
from repot.folder.data.ask import Unknown
from repot.folder.data.count import count
from repot.folder.data.rule import DataRule, Hit, Moment
from repot.folder.data.tables import Rows, State
from repot.folder.data.writes import closure, remaining
from repot.model.catalog import ForeignKey
from repot.model.finding import Severity
from repot.model.names import Name
from repot.postgres.compose import joined


def _reaches(m: Moment) -> Iterator[Hit]:
    change = m.change
    if not m.settings.keep:
        return
    if isinstance(change, ch.DropTable):
        yield from _drop(m, change)
    elif isinstance(change, ch.Whole) and change.kind == "delete_stmt":
        yield from _delete(m, change)
    elif isinstance(change, ch.Whole) and change.kind == "truncate_stmt":
        yield from _truncate(m, change)


def _drop(m: Moment, change: ch.DropTable) -> Iterator[Hit]:
    state = m.world.get(change.table)
    if state is None:
        return
    if m.settings.kept(state.name) and state.knows(()):
        found = count(m.world, state, sql.SQL("true"))
        if found:
            yield Hit(
                f"{state.name} is declared to be kept, and is dropped", str(state.name), found
            )
    if change.cascade:
        for child, _ in m.world.children(state.name):
            if m.settings.kept(child.name) and child is not state:
                yield Hit(
                    f"{child.name} is declared to be kept, and loses its foreign key to "
                    f"{state.name}: its rows will refer to nothing",
                    str(child.name),
                )


def _truncate(m: Moment, change: ch.Whole) -> Iterator[Hit]:
    named = [m.world.name_of(r.range_var) for r in change.node.relations]
    names = closure(m.world, named) if change.node.behavior == pb.DROP_CASCADE else named
    for name in names:
        state = m.world.tables.get(name)
        if state is None or not m.settings.kept(name) or not state.knows(()):
            continue
        found = count(m.world, state, sql.SQL("true"))
        if found:
            how = "" if name in named else f" by the cascade from {named[0]}"
            yield Hit(f"{name} is declared to be kept, and is emptied{how}", str(name), found)


def _delete(m: Moment, change: ch.Whole) -> Iterator[Hit]:
    state = m.world.get(change.node.relation)
    if state is None:
        return
    try:
        gone = state.copy()
        gone.rows = remaining(m.world, state, change.node, gone=True)
    except PgQueryError as wrong:
        raise Unknown(str(wrong)) from wrong
    for name, taken, path in _taken(m, gone):
        if not m.settings.kept(name):
            continue
        found = count(m.world, taken, sql.SQL("true"))
        if found:
            how = "" if len(path) == 1 else " by the cascade " + " → ".join(map(str, path))
            yield Hit(f"rows of {name}, which is to be kept, are deleted{how}", str(name), found)


def _taken(m: Moment, gone: State) -> Iterator[tuple[Name, State, list[Name]]]:
    """The rows that go, table by table along the cascades."""
    todo = [(gone, [gone.name])]
    while todo:
        state, path = todo.pop()
        yield state.name, state, path
        for child, key in m.world.children(state.name):
            if key.on_delete == "c" and child.name not in path and child.knows(key.columns):
                rows = _referring(m, child, key, state)
                taken = child.copy()
                taken.rows = rows
                todo.append((taken, [*path, child.name]))


def _referring(m: Moment, child: State, key: ForeignKey, parent: State) -> Rows:
    assert child.rows is not None
    assert parent.rows is not None
    same = joined(
        (
            sql.SQL("{} = {}").format(
                sql.Identifier("repot_up", r), sql.Identifier("repot_down", c)
            )
            for r, c in zip(key.referenced, key.columns, strict=True)
        ),
        " and ",
    )
    body = sql.SQL(
        "select * from {} as repot_down where exists (select 1 from {} as repot_up where {})"
    ).format(sql.Identifier(child.rows.name), sql.Identifier(parent.rows.name), same)
    return m.world.step(body, [child.rows, parent.rows])


RULES = (
    DataRule(
        id="cascade-reaches-kept",
        severity=Severity.ERROR,
        condition="A DELETE, TRUNCATE … CASCADE or DROP TABLE takes rows of a table that the "
        "project declares to be kept (keep, in [migrations] of repot.toml), perhaps by ON DELETE "
        "CASCADE over other tables.",
        effect="PostgreSQL deletes them without a word.",
        remedy="give those rows another place first, or take the table out of keep",
        data='create table "Brand" (id int primary key, active bool); create table "Order" (id int'
        ' primary key, "brandId" int references "Brand" on delete cascade);'
        ' insert into "Brand" values (1, true), (2, false); insert into "Order" values (1, 1),'
        " (2, 2), (3, 2)",
        bad=('delete from "Brand" where not active;',),
        good=(
            'update "Order" set "brandId" = 1 where "brandId" = 2;\n'
            'delete from "Brand" where not active;',
        ),
        find=_reaches,
        keep=("Order",),
    ),
)
