"""Links against the truth: random data, random writes, and every row of the view that changed must
be found by the links of the changed rows, looked up after the write."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql

from repot.model.names import Name
from repot.model.plan import Role
from support.links import REFUSALS, SHAPES, Refusal, Shape
from support.random_views import Maker
from support.trial import Trial, World, analysed, world_on

MOST_ROUNDS = 300
SEED = 20260
RANDOM_VIEWS = 150


@pytest.fixture(scope="module")
def world(server: Any) -> Iterator[World]:
    dsn = server.create_database("links", None)
    with world_on(dsn) as world:
        yield world
    server.drop_database("links")


def trial_of(world: World, shape: Shape, seed: int = SEED) -> Trial:
    analysis = analysed(world, shape.name, shape.sql, shape.key)
    assert not [f for f in analysis.findings if f.severity == "error"], analysis.findings
    return Trial(world, shape.name, analysis, seed)


@pytest.mark.parametrize("shape", SHAPES, ids=lambda s: s.name)
def test_every_changed_row_is_found(world: World, shape: Shape) -> None:
    trial = trial_of(world, shape, seed := SEED + sum(map(ord, shape.name)))
    needed: Counter[Name] = Counter()
    for number in range(MOST_ROUNDS):
        if number >= shape.rounds and set(needed) == set(trial.sources):
            break
        trial.fill()
        old, before = trial.tables(), trial.view_rows()
        for several in (False, False, True):
            writing = trial.sources if several else [trial.random.choice(trial.sources)]
            for name in writing:
                trial.write(name)
            new, after = trial.tables(), trial.view_rows()
            affected = trial.changed_scopes(before, after)
            found = trial.found(trial.links, old, new)
            assert affected <= found, (seed, affected - found, old, new)
            if not several and affected:
                needed[writing[0]] += 1
            old, before = new, after
    # Every table's link was put to the test: a change of it alone changed the view.
    assert set(needed) == set(trial.sources), needed


def test_every_changed_row_of_random_views_is_found(world: World) -> None:
    """Views that nobody thought of. Where a table has no link, its rows stay as they are."""
    tried = Counter[str]()
    for seed in range(SEED, SEED + RANDOM_VIEWS):
        text, key = Maker(random.Random(seed)).view()
        try:
            analysis = analysed(world, "random", text, key)
        except psycopg.errors.SyntaxError:
            tried["not SQL"] += 1
            continue
        if not analysis.scope:
            tried["no scope"] += 1
            continue
        trial = Trial(world, "random", analysis, seed)
        for _ in range(4):
            trial.fill()
            old, before = trial.tables(), trial.view_rows()
            for name in trial.sources:
                trial.write(name)
                new, after = trial.tables(), trial.view_rows()
                affected = trial.changed_scopes(before, after)
                found = trial.found(trial.links, old, new)
                assert affected <= found, (seed, text, affected - found)
                tried["changed" if affected else "unchanged"] += 1
                old, before = new, after
    assert tried["changed"] > RANDOM_VIEWS / 3, tried


@pytest.mark.parametrize("view", REFUSALS, ids=lambda v: v.name)
def test_what_cannot_be_followed_is_refused(world: World, view: Refusal) -> None:
    analysis = analysed(world, f"refused {view.name}", view.sql, view.key)
    errors = [f for f in analysis.findings if f.severity == "error"]
    assert [f.code for f in errors] == [view.code]
    assert view.code != "link-underivable" or errors[0].object == view.about
    assert errors[0].hint
    assert errors[0].file == f"moves/refused {view.name}.sql"


@pytest.mark.parametrize("shape", SHAPES, ids=lambda s: s.name)
def test_pairs_name_rows_that_are_there(world: World, shape: Shape) -> None:
    trial = trial_of(world, shape)
    names = [o.name for o in trial.analysis.outputs]
    at = [names.index(c) for c in shape.key]
    for _ in range(4):
        trial.fill()
        keys = {tuple(r[i] for i in at) for r in trial.view_rows()}
        paired: set[tuple[Any, ...]] = set()
        for use in trial.analysis.uses:
            if use.pairs is None:
                assert use.role in (Role.FILTER, Role.JOINED), use
                continue
            table = world.catalog.get(use.source)
            assert table is not None
            width = len(shape.key)
            rows = trial.rows(sql.SQL("({}) p").format(sql.SQL(use.pairs)))  # type: ignore[arg-type]
            has = [[c.name for c in table.columns].index(c) for c in table.primary]
            there = {tuple(r[i] for i in has) for r in trial.table(use.source)}
            assert {r[:width] for r in rows} <= keys, use
            assert {r[width:] for r in rows} <= there, use
            paired |= {r[:width] for r in rows}
        assert keys == paired or not shape.paired


def test_each_link_is_needed(world: World) -> None:
    """The property is not true of just any links: with one left out, changed rows are missed."""
    trial = trial_of(world, next(s for s in SHAPES if s.name == "chain"))
    missed = set()
    for left_out in trial.links:
        others = [link for link in trial.links if link is not left_out]
        for _ in range(40):
            trial.fill()
            old, before = trial.tables(), trial.view_rows()
            trial.write(left_out.source)
            affected = trial.changed_scopes(before, trial.view_rows())
            if not affected <= trial.found(others, old, trial.tables()):
                missed.add(left_out.source)
    assert missed == set(trial.sources)
