"""Links against the truth: random data, random writes, and every row of the view that changed must
be found by the links of the changed rows, looked up after the write."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from psycopg import sql
from support.links import SCHEMA, SHAPES, TABLES, Shape, random_row

from repot.model.catalog import Catalog
from repot.model.names import Name
from repot.model.plan import Link
from repot.model.project import MoveSetting
from repot.moves.analysis import Analysis, analyse
from repot.postgres.catalog import read_catalog
from repot.postgres.connect import connect

Connection = psycopg.Connection[tuple[Any, ...]]
ROUNDS, MOST_ROUNDS = 25, 300
SEED = 20260


@dataclass
class World:
    conn: Connection
    catalog: Catalog


@pytest.fixture(scope="module")
def world(server: Any) -> Iterator[World]:
    dsn = server.create_database("links")
    with connect(dsn) as conn:
        conn.execute(SCHEMA.encode())
        conn.execute("create schema w")
        yield World(conn, read_catalog(conn, ["s", "repot_registry", "sé"]))
    server.drop_database("links")


def analysed(world: World, shape: Shape, view: str) -> Analysis:
    """The view made, and what the analysis says of it."""
    conn = world.conn
    conn.execute("set search_path = s")
    conn.execute(
        sql.SQL("create or replace view w.{} as {}").format(
            sql.Identifier(view), sql.SQL(shape.sql)
        )
    )
    conn.execute("set search_path = ''")
    oid = sql.Literal(f'w."{view}"')
    text = conn.execute(
        sql.SQL("select pg_get_viewdef({}::regclass, false)").format(oid)
    ).fetchall()[0][0]
    columns = conn.execute(
        sql.SQL(
            "select attname from pg_attribute where attrelid = {}::regclass and attnum > 0"
            " order by attnum"
        ).format(oid)
    ).fetchall()
    return analyse(
        text,
        tables={t.name: t for t in world.catalog.tables},
        key=shape.key,
        columns=tuple(c[0] for c in columns),
        setting=MoveSetting(),
        file=f"moves/{view}.sql",
        default_schema="s",
    )


def columns_of(names: tuple[str, ...]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, names))


class Trial:
    """One shape's view with random rows under it."""

    def __init__(self, world: World, shape: Shape, seed: int) -> None:
        self.world, self.shape = world, shape
        self.random = random.Random(seed)
        self.analysis = analysed(world, shape, shape.name)
        assert not self.analysis.findings, self.analysis.findings
        self.links: list[Link] = []
        for use in self.analysis.uses:
            assert use.link is not None
            self.links.append(use.link)
        self.sources = sorted({link.source for link in self.links}, key=str)

    def rows(self, source: sql.Composable) -> Counter[tuple[Any, ...]]:
        query = sql.SQL("select * from {}").format(source)
        return Counter(tuple(map(_hashable, r)) for r in self.world.conn.execute(query).fetchall())

    def table(self, name: Name) -> Counter[tuple[Any, ...]]:
        return self.rows(sql.Identifier(name.schema_, name.name))

    def fill(self) -> None:
        for name in self.sources:
            self.world.conn.execute(
                sql.SQL("truncate {}").format(sql.Identifier(name.schema_, name.name))
            )
            for _ in range(self.random.randint(2, 9)):
                self.insert(name)

    def run(self, text: str, *parts: Any) -> None:
        """Runs a statement; one that breaks a key does nothing."""
        composed = [p if isinstance(p, sql.Composable) else sql.Literal(p) for p in parts]
        conn = self.world.conn
        try:
            with conn.transaction():
                conn.execute(sql.SQL(text).format(*composed))  # type: ignore[arg-type]
        except psycopg.errors.IntegrityError:
            pass  # a key taken, or NULL in one

    def insert(self, name: Name) -> None:
        row = [sql.Literal(v) for v in random_row(TABLES[name.name], self.random)]
        target = sql.Identifier(name.schema_, name.name)
        self.run("insert into {} values ({})", target, sql.SQL(", ").join(row))

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
                self.insert(name)
            elif kind == "d":
                self.run("delete from {} where {} = {}", target, column, value)
            else:
                set_ = sql.Identifier(table[to][0])
                update = "update {} set {} = {} where {} = {}"
                self.run(update, target, set_, new[to], column, value)

    def found(self, link: Link, changed: set[tuple[Any, ...]]) -> set[tuple[Any, ...]]:
        """The scopes that the link gives for the changed rows, old and new, as things are now."""
        table = self.world.catalog.get(link.source)
        assert table is not None
        at = [[c.name for c in table.columns].index(c) for c in link.capture]
        captured = {tuple(row[i] for i in at) for row in changed}
        if link.locate is None:
            return captured
        width = len(self.analysis.scope)
        query = sql.SQL("select * from ({}) l").format(sql.SQL(link.locate))
        located = self.world.conn.execute(query).fetchall()
        return {r[:width] for r in located if r[width:] in captured}


def _hashable(value: Any) -> Any:
    return repr(value) if isinstance(value, list | dict) else value


def scopes_changed(
    trial: Trial, before: Counter[tuple[Any, ...]], after: Counter[tuple[Any, ...]]
) -> set[tuple[Any, ...]]:
    names = [o.name for o in trial.analysis.outputs]
    at = [names.index(c) for c in trial.analysis.scope]
    different = (before - after) + (after - before)
    scopes = {tuple(row[i] for i in at) for row in different}
    return {s for s in scopes if None not in s}


@pytest.mark.parametrize("shape", SHAPES, ids=lambda s: s.name)
def test_every_changed_row_is_found(world: World, shape: Shape) -> None:
    seed = SEED + sum(map(ord, shape.name))
    print("seed", seed)
    trial = Trial(world, shape, seed)
    view = sql.Identifier("w", shape.name)
    needed: Counter[Name] = Counter()
    for number in range(MOST_ROUNDS):
        if number >= ROUNDS and set(needed) == set(trial.sources):
            break
        trial.fill()
        for several in (False, False, True):
            writing = trial.sources if several else [trial.random.choice(trial.sources)]
            old = {n: trial.table(n) for n in trial.sources}
            before = trial.rows(view)
            for name in writing:
                trial.write(name)
            changed = {
                n: set((rows - old[n]) + (old[n] - rows))
                for n in trial.sources
                for rows in (trial.table(n),)
            }
            affected = scopes_changed(trial, before, trial.rows(view))
            found: set[tuple[Any, ...]] = set()
            for link in trial.links:
                found |= trial.found(link, changed[link.source])
            assert affected <= found, (seed, changed, affected - found)
            if not several and affected:
                needed[writing[0]] += 1
    # Every table's link was put to the test: a change of it alone changed the view.
    assert set(needed) == set(trial.sources), needed


@pytest.mark.parametrize("shape", SHAPES, ids=lambda s: s.name)
def test_pairs_run_and_name_rows_that_are_there(world: World, shape: Shape) -> None:
    trial = Trial(world, shape, SEED)
    names = [o.name for o in trial.analysis.outputs]
    at = [names.index(c) for c in shape.key]
    for _ in range(5):
        trial.fill()
        keys = {tuple(r[i] for i in at) for r in trial.rows(sql.Identifier("w", shape.name))}
        paired: set[tuple[Any, ...]] = set()
        for use in trial.analysis.uses:
            if use.pairs is None:
                continue
            table = world.catalog.get(use.source)
            assert table is not None
            width = len(shape.key)
            rows = trial.rows(sql.SQL("({}) p").format(sql.SQL(use.pairs)))
            has = [[c.name for c in table.columns].index(c) for c in table.primary]
            there = {tuple(r[i] for i in has) for r in trial.table(use.source)}
            assert {r[:width] for r in rows} <= keys, use
            assert {r[width:] for r in rows} <= there, use
            paired |= {r[:width] for r in rows}
        assert keys == paired or not shape.paired


def test_a_link_left_out_is_noticed(world: World) -> None:
    """The property would fail without the links: it is not true of just any answer."""
    shape = next(s for s in SHAPES if s.name == "chain")
    trial = Trial(world, shape, SEED)
    view = sql.Identifier("w", shape.name)
    missed: Callable[[set[Any], set[Any]], bool] = lambda affected, found: not affected <= found
    seen = set()
    for left_out in trial.links:
        for _ in range(60):
            trial.fill()
            old, before = trial.table(left_out.source), trial.rows(view)
            trial.write(left_out.source)
            rows = trial.table(left_out.source)
            changed = set((rows - old) + (old - rows))
            affected = scopes_changed(trial, before, trial.rows(view))
            others = [k for k in trial.links if k is not left_out]
            found: set[tuple[Any, ...]] = set()
            for link in others:
                found |= trial.found(link, changed if link.source == left_out.source else set())
            if missed(affected, found):
                seen.add(left_out.source)
    assert seen == set(trial.sources)
