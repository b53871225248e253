"""Scopes derived anew and written: what each row should be, then delete, update, insert."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from psycopg import sql

from repot.engine.apply.deleting import delete_first, delete_rest
from repot.engine.apply.keep import kept_values
from repot.engine.apply.locating import Among, Keys, arrays, same_scope
from repot.engine.apply.names import Names
from repot.engine.apply.scope import Scope
from repot.engine.apply.temporary import Temporary
from repot.engine.apply.work import Work, children, same_key
from repot.engine.apply.write import forward_columns, update_and_insert
from repot.engine.todo import FORWARD
from repot.model.catalog import Catalog
from repot.model.names import Name
from repot.model.plan import Derivation
from repot.postgres.compose import ident, idents
from repot.postgres.connect import Connection


@dataclass(frozen=True)
class Place:
    """Where rows are written: direction, the catalog that describes the tables, their names, and
    all that is derived there.

    only_given: V2's other columns are its own, and so are rows that V1 has not; else the columns
    get their constant defaults. shared: others write there, too.
    """

    direction: str
    catalog: Catalog
    names: Names
    derivations: tuple[Derivation, ...] = ()
    only_given: bool = False
    shared: bool = False


def work_out(
    conn: Connection, temp: Temporary, place: Place, scopes: Sequence[Scope]
) -> list[Work]:
    """What the rows in the scopes should be, in temporary tables; nothing is written yet: the views
    of the way back read what it writes."""
    known = arrays(conn, [(s.table, s.todo.fields[0]) for s in scopes if not s.all])
    keys = [None if s.all else Keys(conn, s.table, s.todo.fields, known) for s in scopes]
    with temp.at_once():
        works = [lay_out(temp, place, scope) for scope in scopes]
    wants = temp.fill_all(
        [
            (work.wanted, given(k, scope, work))
            for scope, k, work in zip(scopes, keys, works, strict=True)
        ]
    )
    works = [replace(work, wants=n) for work, n in zip(works, wants, strict=True)]
    if place.direction == FORWARD:
        missing = [(work.doomed, gone(k, work)) for work, k in zip(works, keys, strict=True)]
        return [w.with_doomed(n) for w, n in zip(works, temp.fill_all(missing), strict=True)]
    with temp.at_once():
        remembered = [_remembered(temp, s, w) for s, w in zip(scopes, works, strict=True)]
    loops = []
    for scope, k, work, table in zip(scopes, keys, works, remembered, strict=True):
        d = scope.derivation
        assert d.loop is not None
        loops.append((table, _within(k, scope, d.loop, d.scope, work.columns)))
    temp.fill_all(loops)
    deleted = [
        (work.doomed, _deleted(work, scope, table))
        for scope, work, table in zip(scopes, works, remembered, strict=True)
    ]
    dooms = temp.fill_all(deleted)
    for work, table in zip(works, remembered, strict=True):
        kept_values(conn, work, table)
    return [work.with_doomed(n) for work, n in zip(works, dooms, strict=True)]


def write(conn: Connection, works: Sequence[Work]) -> dict[str, int]:
    """Bring the tables to it; rows written by table. `works`: parents first."""
    written: dict[str, int] = {}

    def count(work: Work, rows: int) -> None:
        if rows:
            name = work.derivation.name
            written[name] = written.get(name, 0) + rows

    # Keys that may wait until the commit do: tables in a cycle refer to each other.
    conn.execute("set constraints all deferred")
    # A doomed row goes first, so that its unique values are free, unless a row still refers to it:
    # if that one stays, it must be updated before.
    for work in reversed(works):
        if work.dooms:
            count(work, delete_first(conn, work, works))
    for work, rows in zip(works, update_and_insert(conn, works), strict=True):
        count(work, rows)
    for work in reversed(works):
        if work.dooms:
            count(work, delete_rest(conn, work, works))
    conn.execute("set constraints all immediate")  # an error here is ours, at the commit too late
    return written


def lay_out(temp: Temporary, place: Place, scope: Scope) -> Work:
    """The tables of a scope's work, empty."""
    d, number = scope.derivation, scope.todo.id
    description = place.catalog.get(d.table)
    assert description is not None
    forward = place.direction == FORWARD
    columns = d.columns
    if forward and not place.only_given:
        columns = forward_columns(d, description)
    wanted = temp.like(f"repot_wanted_{number}", _rows(d.view, scope, columns))
    doomed = temp.like(
        f"repot_doomed_{number}",
        sql.SQL("select {} from {} as v").format(idents(d.key, "v"), ident(d.view)),
    )
    referring = children(
        d.table, place.derivations, place.catalog, place.names, others=place.only_given
    )
    return Work(
        d,
        description,
        place.names[d.table],
        wanted,
        doomed,
        columns,
        children=referring,
        shared=place.shared,
    )


def _remembered(temp: Temporary, scope: Scope, work: Work) -> Name:
    d = scope.derivation
    assert d.loop is not None
    return temp.like(f"repot_loop_{scope.todo.id}", _rows(d.loop, scope, work.columns))


def _deleted(work: Work, scope: Scope, remembered: Name) -> sql.Composed:
    """Keys of V1's rows that V2 has deleted: what it remembered and no longer gives, and what was
    logged as deleted there (V2 may have forgotten it meanwhile, if what it hung on is gone too).
    Rows that V2 never held stay."""
    d = work.derivation
    query = sql.SQL(
        "select {key} from {loop} as l where not exists (select from {wanted} as w where {same})"
    ).format(
        key=idents(d.key, "l"),
        loop=ident(remembered),
        wanted=ident(work.wanted),
        same=same_key(d, "w", "l"),
    )
    if set(d.scope) != set(d.key) or scope.all:
        return query
    return query + sql.SQL(
        " union select {key} from {table} as t join {scope} as s on {mine}"
        " where s.gone and not exists (select from {wanted} as w where {same})"
    ).format(
        key=idents(d.key, "t"),
        table=ident(work.table),
        scope=ident(scope.table),
        mine=same_scope(d, scope.todo, "t", "s"),
        wanted=ident(work.wanted),
        same=same_key(d, "w", "t"),
    )


def _rows(view: Name, scope: Scope, columns: Sequence[str]) -> sql.Composed:
    names = dict.fromkeys([*scope.derivation.key, *columns])
    return sql.SQL("select {} from {} as v").format(idents(names, "v"), ident(view))


def given(keys: Among | None, scope: Scope, work: Work) -> sql.Composable:
    """SELECT: the rows that the view gives in the scopes."""
    return _within(keys, scope, *scope.derivation.asked_by, work.columns)


def _within(
    keys: Among | None, scope: Scope, view: Name, by: Sequence[str], columns: Sequence[str]
) -> sql.Composable:
    """The view's rows in the scopes. by: its columns that hold these."""
    query = _rows(view, scope, columns)
    if keys is None:
        return query
    condition = keys.among(by, "v")
    return query + sql.SQL(" where ") + (condition or sql.SQL("false"))


def gone(keys: Among | None, work: Work) -> sql.Composable:
    """SELECT: keys of the table's rows in the scopes that the view does not give any more."""
    d = work.derivation
    query = sql.SQL(
        "select {key} from {table} as t where not exists (select from {wanted} as w where {same})"
    ).format(
        key=idents(d.key, "t"),
        table=ident(work.table),
        wanted=ident(work.wanted),
        same=same_key(d, "w", "t"),
    )
    if keys is None:
        return query
    return query + sql.SQL(" and ") + (keys.among(d.scope, "t") or sql.SQL("false"))
