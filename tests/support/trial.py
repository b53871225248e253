"""One view with random rows under it, and the links that the analysis gives."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from repot.model.catalog import Catalog
from repot.model.names import Name
from repot.model.plan import Link
from repot.model.project import MoveSetting
from repot.moves.analysis import Analysis, analyse
from repot.postgres.catalog import read_catalog
from repot.postgres.connect import connect
from support.links import SCHEMA, TABLES, random_row

Connection = psycopg.Connection[tuple[Any, ...]]
Rows = Counter[tuple[Any, ...]]


@dataclass
class World:
    conn: Connection
    catalog: Catalog


@contextmanager
def world_on(dsn: str) -> Iterator[World]:
    """The tables of `support.links`, and a schema w for views."""
    with connect(dsn) as conn:
        conn.execute(SCHEMA.encode())
        conn.execute("create schema w")
        yield World(conn, read_catalog(conn, ["s", "repot_registry", "sé"]))


def analysed(
    world: World, view: str, text: str, key: tuple[str, ...], setting: MoveSetting | None = None
) -> Analysis:
    """The view made in w, and what the analysis says of it."""
    conn = world.conn
    conn.execute("set search_path = s")
    conn.execute(sql.SQL("drop view if exists w.{}").format(sql.Identifier(view)))
    conn.execute(sql.SQL("create view w.{} as {}").format(sql.Identifier(view), sql.SQL(text)))  # type: ignore[arg-type]
    conn.execute("set search_path = ''")
    oid = sql.Literal(f'w."{view}"')
    definition = sql.SQL("select pg_get_viewdef({}::regclass, false)").format(oid)
    columns = sql.SQL(
        "select attname from pg_attribute where attrelid = {}::regclass and attnum > 0"
        " order by attnum"
    ).format(oid)
    return analyse(
        conn.execute(definition).fetchall()[0][0],
        tables={t.name: t for t in world.catalog.tables},
        key=key,
        columns=tuple(r[0] for r in conn.execute(columns).fetchall()),
        setting=setting or MoveSetting(),
        file=f"moves/{view}.sql",
        default_schema="s",
    )


class Trial:
    """Random rows, random writes, and what the links make of them."""

    def __init__(self, world: World, view: str, analysis: Analysis, seed: int) -> None:
        self.world, self.analysis = world, analysis
        self.random = random.Random(seed)
        self.view = sql.Identifier("w", view)
        self.links = [use.link for use in analysis.uses if use.link is not None]
        # A table with an appearance that has no link is filled, but not written to.
        self.tables_read = sorted({use.source for use in analysis.uses}, key=str)
        unlinked = {use.source for use in analysis.uses if use.link is None}
        self.sources = [name for name in self.tables_read if name not in unlinked]
        names = [o.name for o in analysis.outputs]
        self._scope = [names.index(c) for c in analysis.scope]

    def rows(self, source: sql.Composable) -> Rows:
        query = sql.SQL("select * from {}").format(source)
        return Counter(tuple(map(_hashable, r)) for r in self.world.conn.execute(query).fetchall())

    def view_rows(self) -> Rows:
        return self.rows(self.view)

    def table(self, name: Name) -> Rows:
        return self.rows(sql.Identifier(name.schema_, name.name))

    def tables(self) -> dict[Name, Rows]:
        return {name: self.table(name) for name in self.tables_read}

    def fill(self) -> None:
        for name in self.tables_read:
            target = sql.Identifier(name.schema_, name.name)
            self.run("delete from {}", target)
            rows = [self._row(name) for _ in range(self.random.randint(2, 9))]
            insert = "insert into {} values {} on conflict do nothing"
            self.run(insert, target, sql.SQL(", ").join(rows))

    def _row(self, name: Name) -> sql.Composable:
        row = [sql.Literal(v) for v in random_row(TABLES[name.name], self.random)]
        return sql.SQL("({})").format(sql.SQL(", ").join(row))

    def run(self, text: str, *parts: Any) -> None:
        """Runs a statement; one that breaks a key does nothing."""
        composed = [p if isinstance(p, sql.Composable) else sql.Literal(p) for p in parts]
        with suppress(psycopg.errors.IntegrityError):  # a key taken, or NULL in one
            self.world.conn.execute(sql.SQL(text).format(*composed))  # type: ignore[arg-type]

    def write(self, name: Name) -> None:
        """A few random inserts, deletes and updates (of keys as well)."""
        table, random = TABLES[name.name], self.random
        target = sql.Identifier(name.schema_, name.name)
        plain = [i for i, (_, kind) in enumerate(table) if len(kind) == 1 and kind != "j"]
        for _ in range(random.randint(1, 3)):
            row, new = random_row(table, random), random_row(table, random)
            at, to = random.choice(plain), random.randrange(len(table))
            column, value = sql.Identifier(table[at][0]), row[at]
            kind = random.choice("iudu")
            if kind == "i":
                self.run("insert into {} values {}", target, self._row(name))
            elif kind == "d":
                self.run("delete from {} where {} = {}", target, column, value)
            else:
                changed = sql.Identifier(table[to][0])
                update = "update {} set {} = {} where {} = {}"
                self.run(update, target, changed, new[to], column, value)

    def changed_scopes(self, before: Rows, after: Rows) -> set[tuple[Any, ...]]:
        """Scopes with a row that is not the same before and after. NULL is no key."""
        different = (before - after) + (after - before)
        scopes = {tuple(row[i] for i in self._scope) for row in different}
        return {s for s in scopes if None not in s}

    def found(
        self, links: list[Link], old: Mapping[Name, Rows], new: Mapping[Name, Rows]
    ) -> set[tuple[Any, ...]]:
        """The scopes that the links give for the rows that changed, as things are now."""
        result: set[tuple[Any, ...]] = set()
        for link in links:
            before, after = old[link.source], new[link.source]
            changed = (before - after) + (after - before)
            if changed:
                result |= self._found(link, set(changed))
        return result

    def _found(self, link: Link, changed: set[tuple[Any, ...]]) -> set[tuple[Any, ...]]:
        table = self.world.catalog.get(link.source)
        assert table is not None
        at = [[c.name for c in table.columns].index(c) for c in link.capture]
        captured = {tuple(row[i] for i in at) for row in changed}
        if link.locate is None:
            return captured
        width = len(self._scope)
        query = sql.SQL("select * from ({}) l").format(sql.SQL(link.locate))  # type: ignore[arg-type]
        located = self.world.conn.execute(query).fetchall()
        return {r[:width] for r in located if r[width:] in captured}


def _hashable(value: Any) -> Any:
    return repr(value) if isinstance(value, list | dict) else value
