"""Servers and databases of the schedules, and how many of them there are to be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from interleavings.schedules import STAGES, kind_of
from interleavings.world import Kind, World
from repot.embedded import EmbeddedServer

SHARE = 250  # schedules in one test, at most; those of whole stages take longer
SHARE_OF_STAGES = 100
SECONDS = 1800  # after which a test counts as hung: the machine may be busy with others
# Nothing may happen by the clock: what waits is looked at, and ended, by the scheduler.
# All worlds stay until the end, each with its connections, perhaps on one server.
SETTINGS = {"autovacuum": "off", "deadlock_timeout": "1h", "max_connections": 400}

MakeWorld = Callable[[Kind], World]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Time enough for all tests of this folder."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.timeout(SECONDS))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """`seeds`: the seeds of one test; all of them together are those that were asked for."""
    if "seeds" not in metafunc.fixturenames:
        return
    first, number = metafunc.config.getoption("seed"), metafunc.config.getoption("schedules")
    seeds = range(first or 0, (first or 0) + number)
    stages = [s for s in seeds if kind_of(s) in STAGES]
    steps = [s for s in seeds if kind_of(s) not in STAGES]
    found = [("stages", part) for part in _shares(stages, SHARE_OF_STAGES)]  # the longest first
    found += [("steps", part) for part in _shares(steps, SHARE)]
    metafunc.parametrize(
        "seeds", [part for _, part in found], ids=[f"{of} {p[0]}-{p[-1]}" for of, p in found]
    )


def _shares(seeds: list[int], most: int) -> list[list[int]]:
    number = -(-len(seeds) // most)
    edges = [len(seeds) * n // number for n in range(number + 1)] if number else []
    return [seeds[a:b] for a, b in pairwise(edges)]


@pytest.fixture(scope="session")
def schedule_server() -> Iterator[EmbeddedServer]:
    """A server on which nothing happens by itself."""
    with EmbeddedServer(settings=SETTINGS) as running:
        yield running


@pytest.fixture(scope="session")
def make_world(
    schedule_server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MakeWorld]:
    """`make_world(kind)`: a world of its own, closed at the end."""
    made: list[World] = []

    def make(kind: Kind) -> World:
        dsn = schedule_server.create_database(f"world_{len(made)}")
        folder: Path = tmp_path_factory.mktemp("world")
        made.append(World(dsn, folder, kind))
        return made[-1]

    yield make
    for world in made:
        world.close()


@pytest.fixture(scope="session")
def world_of(make_world: MakeWorld) -> MakeWorld:
    """`world_of(kind)`: the world that schedules of this kind share; made when it is first asked
    for, reset by each of them."""
    worlds: dict[Kind, World] = {}

    def shared(kind: Kind) -> World:
        if kind not in worlds:
            worlds[kind] = make_world(kind)
        return worlds[kind]

    return shared


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What the schedules have gone through, all tests together."""
    reports = [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]
    total: Counter[str] = Counter()
    for report in reports:
        for name, value in getattr(report, "user_properties", ()):
            if name == "counted" and report.when == "call":
                total.update(value)
            elif name == "found after" and report.when == "call":
                total[f"{report.nodeid.rpartition('[')[2].rstrip(']')}: found after"] = value
    if total:
        terminalreporter.section("schedules")
        for name, number in sorted(total.items()):
            terminalreporter.write_line(f"{number:>9,}  {name}")
