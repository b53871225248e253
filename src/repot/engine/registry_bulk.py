"""Filling an empty registry: its indexes come after its rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg import errors, sql

from repot.engine.sql import load
from repot.model.plan import Registry
from repot.postgres.compose import ident, joined, trusted
from repot.postgres.connect import Connection
from repot.postgres.relations import oid_of


@contextmanager
def bare_if_empty(conn: Connection, registry: Registry) -> Iterator[None]:
    """Inside a transaction: take keys off an empty registry and put them back after the block.

    Building an index from all its rows takes a fraction of the time that as many insertions take.
    Where something hangs on a key (a view that groups by it), the keys stay.
    """
    table = ident(registry.table)
    keys: list[tuple[str, str]] = []
    row = conn.execute(sql.SQL("select exists (select from {})").format(table)).fetchone()
    if row is not None and not row[0]:
        rows = conn.execute(
            load("registry_keys.sql").encode(), {"table": oid_of(conn, registry.table)}
        ).fetchall()
        keys = [(str(name), str(definition)) for name, definition in rows]
    if keys:
        try:
            with conn.transaction():
                _alter(conn, registry, [_drop(name) for name, _ in keys])
        except errors.DependentObjectsStillExist:
            keys = []
    yield
    if keys:
        _alter(conn, registry, [_add(name, definition) for name, definition in keys])


def _alter(conn: Connection, registry: Registry, actions: list[sql.Composed]) -> None:
    conn.execute(sql.SQL("alter table {} {}").format(ident(registry.table), joined(actions)))


def _drop(name: str) -> sql.Composed:
    return sql.SQL("drop constraint {}").format(sql.Identifier(name))


def _add(name: str, definition: str) -> sql.Composed:
    return sql.SQL("add constraint {} {}").format(sql.Identifier(name), trusted(definition))
