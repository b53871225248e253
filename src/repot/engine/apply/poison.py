"""Finding the scopes that cannot be applied, and setting them aside; the others go on.

A batch that fails is halved until the scopes that fail by themselves are known; each part is tried
together with whatever it needs (closure), so the order in which they are tried does not matter.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import psycopg
from psycopg import sql

from repot.engine.apply.scope import Scope, add, empty
from repot.engine.apply.temporary import Temporary
from repot.engine.todo import Todo
from repot.model.results import PoisonRow
from repot.postgres.compose import ident, idents, joined, trusted
from repot.postgres.connect import Connection

Apply = Callable[[Temporary, Sequence[Scope]], dict[str, int]]
# What the rows or V2's own functions and constraints are to blame for; anything else stops.
BLAMED = (psycopg.IntegrityError, psycopg.DataError, psycopg.errors.RaiseException)


@dataclass(frozen=True)
class Item:
    """One scope, by its place among the scopes of the batch; `key` None: the whole table."""

    scope: int
    key: tuple[str, ...] | None


@dataclass(frozen=True)
class Failed:
    item: Item
    error: psycopg.Error


def apply_what_can_be(
    conn: Connection, scopes: Sequence[Scope], apply: Apply
) -> tuple[dict[str, int], list[PoisonRow]]:
    """Apply the scopes, all but those that fail by themselves; in the caller's transaction."""
    items = [item for n, scope in enumerate(scopes) for item in _items(conn, n, scope)]
    written: dict[str, int] = {}
    failed = _solve(conn, scopes, items, apply, written)
    return written, [
        PoisonRow(
            name=scopes[f.item.scope].derivation.name,
            scope=f.item.key or (),
            error=str(f.error.diag.message_primary or f.error).strip(),
            sqlstate=f.error.sqlstate or "",
        )
        for f in failed
    ]


def note(conn: Connection, run_id: int, direction: str, rows: Sequence[PoisonRow]) -> None:
    """Keep them with their errors; the server's detail would quote whole rows, and is not kept."""
    for row in rows:
        conn.execute(
            "insert into repot.poison (run, direction, name, scope, sqlstate, error)"
            " values (%s, %s, %s, %s::text[], %s, %s)"
            " on conflict (run, direction, name, scope) do update set sqlstate = excluded.sqlstate,"
            " error = excluded.error, at = pg_catalog.clock_timestamp()",
            (run_id, direction, row.name, list(row.scope), row.sqlstate, row.error),
        )


def forget(conn: Connection, run_id: int, direction: str, scopes: Sequence[Scope]) -> None:
    """What is being applied anew is no poison, until it fails again."""
    row = conn.execute(
        "select exists (select from repot.poison where run = %s and direction = %s)",
        (run_id, direction),
    ).fetchone()
    if not (row and row[0]):
        return
    for scope in scopes:
        texts = joined(sql.SQL("{}::text").format(sql.Identifier(f)) for f in scope.todo.fields)
        conn.execute(
            sql.SQL(
                "delete from repot.poison where run = {run} and direction = {direction}"
                " and name = {name} and ({all} or scope in (select array[{texts}] from {table}))"
            ).format(
                run=sql.Literal(run_id),
                direction=sql.Literal(direction),
                name=sql.Literal(scope.derivation.name),
                all=sql.Literal(scope.all),
                texts=texts,
                table=ident(scope.table),
            )
        )


def again(conn: Connection, run_id: int, direction: str, todos: dict[str, Todo]) -> int:
    """Put all poison back among what waits: whatever was wrong may have been mended."""
    rows = conn.execute(
        "delete from repot.poison where run = %s and direction = %s returning name, scope",
        (run_id, direction),
    ).fetchall()
    for name, scope in rows:
        todo = todos.get(str(name))
        if todo is None:
            continue
        assert isinstance(scope, list)
        if not scope:
            conn.execute(
                sql.SQL("insert into {} (everything) values (true)").format(ident(todo.table))
            )
        else:
            conn.execute(
                sql.SQL("insert into {} ({}) values ({})").format(
                    ident(todo.table), idents(todo.fields), _typed(todo, [str(v) for v in scope])
                )
            )
    return len(rows)


def _items(conn: Connection, number: int, scope: Scope) -> list[Item]:
    if scope.all:
        return [Item(number, None)]
    texts = joined(sql.SQL("{}::text").format(sql.Identifier(f)) for f in scope.todo.fields)
    rows = conn.execute(sql.SQL("select {} from {}").format(texts, ident(scope.table))).fetchall()
    return [Item(number, tuple(str(v) for v in row)) for row in rows]


def _solve(
    conn: Connection,
    scopes: Sequence[Scope],
    items: Sequence[Item],
    apply: Apply,
    written: dict[str, int],
) -> list[Failed]:
    if not items:
        return []
    try:
        with conn.transaction():
            temp = Temporary(conn)
            done = apply(temp, _only(conn, temp, scopes, items))
    except BLAMED as error:
        if len(items) == 1:
            return [Failed(items[0], error)]
        half = len(items) // 2
        return [
            *_solve(conn, scopes, items[:half], apply, written),
            *_solve(conn, scopes, items[half:], apply, written),
        ]
    for name, rows in done.items():
        written[name] = written.get(name, 0) + rows
    return []


def _only(
    conn: Connection, temp: Temporary, scopes: Sequence[Scope], items: Sequence[Item]
) -> list[Scope]:
    """The scopes with none but these items in them."""
    chosen = []
    for number, scope in enumerate(scopes):
        mine = [item.key for item in items if item.scope == number]
        if not mine:
            continue
        if None in mine:
            chosen.append(replace(empty(temp, scope.derivation, scope.todo), all=True))
            continue
        rows = joined(
            sql.SQL("({})").format(_typed(scope.todo, key)) for key in mine if key is not None
        )
        fresh = empty(temp, scope.derivation, scope.todo)
        chosen.append(add(conn, temp, fresh, sql.SQL("values {}").format(rows)))
    return chosen


def _typed(todo: Todo, key: Sequence[str]) -> sql.Composed:
    return joined(
        sql.SQL("{}::{}").format(sql.Literal(v), trusted(t))
        for v, t in zip(key, todo.types, strict=True)
    )
