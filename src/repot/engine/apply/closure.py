"""Scopes that must be applied together with others: they hold what those need, or refer to it.

A batch is only part of what waits. Where a wanted row needs a unique value that a row outside the
batch still holds, a parent that is not there yet, or the place of a row that others still refer
to, the scopes of those rows are derived anew as well, whether they wait or not. What fails even so
fails for good: V1 gives rows that V2's constraints do not allow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from psycopg import sql

from repot.engine.apply.derive import Place, work_out
from repot.engine.apply.scope import Scope, add, empty
from repot.engine.apply.temporary import Temporary
from repot.engine.apply.work import Work, same_key
from repot.engine.todo import Todo
from repot.model.plan import Derivation
from repot.postgres.compose import ident, idents, joined
from repot.postgres.connect import Connection

ROUNDS = 20


def work_out_closed(
    conn: Connection,
    temp: Temporary,
    place: Place,
    scopes: Sequence[Scope],
    derivations: Sequence[Derivation],
    todos: Mapping[str, Todo],
) -> tuple[list[Scope], list[Work]]:
    """The scopes, grown until they need no others, and their works; in order of `derivations`."""
    current = {s.derivation.name: s for s in scopes}
    for _ in range(ROUNDS):
        ordered = [current[d.name] for d in derivations if d.name in current]
        works = work_out(conn, temp, place, ordered)
        grown = dict(current)
        for work in works:
            for name, query in _needed(work, works, place, derivations, todos):
                before = grown.get(name)
                if before is None:
                    d = next(d for d in derivations if d.name == name)
                    before = empty(temp, d, todos[name])
                if not before.all:
                    grown[name] = add(conn, temp, before, query)
        if {n: s.count for n, s in grown.items() if s.count or s.all} == {
            n: s.count for n, s in current.items()
        }:
            return ordered, works
        current = {n: s for n, s in grown.items() if s.count or s.all}
        temp = Temporary(conn)  # the works are worked out anew
    return ordered, works


def _needed(
    work: Work,
    works: Sequence[Work],
    place: Place,
    derivations: Sequence[Derivation],
    todos: Mapping[str, Todo],
) -> list[tuple[str, sql.Composed]]:
    """SELECTs of scopes (by the derived table's name) that this work cannot do without."""
    found = [(work.derivation.name, query) for query in _holders(work)]
    by_table = {d.table: d for d in derivations}
    for key in work.description.foreign_keys:
        parent = by_table.get(key.references)
        if parent is not None:
            found.append((parent.name, _parents(work, parent, place, key.columns, key.referenced)))
    for child in derivations:
        table = place.catalog.get(child.table)
        for key in table.foreign_keys if table else ():
            if key.references == work.derivation.table:
                found.append(
                    (child.name, _children(work, child, place, key.columns, key.referenced))
                )
    return found


def _holders(work: Work) -> list[sql.Composed]:
    """Rows that hold a unique value which a wanted row is to get."""
    d = work.derivation
    result = []
    for unique in work.description.uniques:
        columns = unique.columns
        if set(columns) <= set(d.key) or not set(columns) <= set(d.columns):
            continue
        result.append(
            sql.SQL(
                "select {scope} from {table} as t join {wanted} as w on {taken} where not ({own})"
            ).format(
                scope=idents(d.scope, "t"),
                table=ident(work.table),
                wanted=ident(work.wanted),
                taken=_equal(columns, "w", columns, "t"),
                own=same_key(d, "w", "t"),
            )
        )
    return result


def _parents(
    work: Work, parent: Derivation, place: Place, columns: Sequence[str], referenced: Sequence[str]
) -> sql.Composed:
    """Scopes of rows that wanted rows refer to and that are not there."""
    if not set(columns) <= set(work.columns) or not set(referenced) <= set(parent.columns):
        return sql.SQL("select {} from {} as v where false").format(
            idents(parent.scope, "v"), ident(parent.view)
        )
    return sql.SQL(
        "select {scope} from {view} as v where v.{first} = any (array("
        "  select w.{mine} from {wanted} as w where not exists"
        "  (select from {table} as p where {there})))"
    ).format(
        scope=idents(parent.scope, "v"),
        view=ident(parent.view),
        first=sql.Identifier(referenced[0]),
        mine=sql.Identifier(columns[0]),
        wanted=ident(work.wanted),
        table=ident(place.names[parent.table]),
        there=_equal(columns, "w", referenced, "p"),
    )


def _children(
    work: Work, child: Derivation, place: Place, columns: Sequence[str], referenced: Sequence[str]
) -> sql.Composed:
    """Scopes of rows that refer to a doomed row."""
    return sql.SQL(
        "select {scope} from {child} as c join {table} as t on {refers}"
        " join {doomed} as x on {same}"
    ).format(
        scope=idents(child.scope, "c"),
        child=ident(place.names[child.table]),
        table=ident(work.table),
        refers=_equal(columns, "c", referenced, "t"),
        doomed=ident(work.doomed),
        same=same_key(work.derivation, "x", "t"),
    )


def _equal(
    left: Sequence[str], left_alias: str, right: Sequence[str], right_alias: str
) -> sql.Composed:
    return joined(
        (
            sql.SQL("{} = {}").format(sql.Identifier(left_alias, a), sql.Identifier(right_alias, b))
            for a, b in zip(left, right, strict=True)
        ),
        " and ",
    )
