"""Fixtures of all tests: one private PostgreSQL server per worker, a fresh database per test."""

from __future__ import annotations

import itertools
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from repot.embedded import EmbeddedServer
from repot.engine.swap import evidence

evidence.AFTER_YOU_S = 0.0  # hundreds of switches, and hardly anybody who waits for them

sys.path.insert(0, str(Path(__file__).parent))  # for `from support.sql import rows`

_numbers = itertools.count(1)
_ROOM = 4 << 30  # bytes; the servers of four workers take less than one


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--long",
        action="store_true",
        help="what takes its time at full length: 2,000 schedules, 25 random projects, crashes in "
        "each part of each verb. Without it, a share of each",
    )
    parser.addoption(
        "--crashes",
        choices=("few", "some", "all"),
        help="tests/faults: kill the program and crash the server at a few steps (the default), at "
        "some in each part of each verb (with --long), or at every one",
    )
    parser.addoption(
        "--schedules",
        type=int,
        metavar="N",
        help="tests/interleavings: run so many schedules (200; 2,000 with --long; with --seed, 1)",
    )
    parser.addoption(
        "--seed",
        type=int,
        metavar="S",
        help="tests/interleavings: run the schedule of this seed, and whether it repeats",
    )
    parser.addoption(
        "--projects",
        type=int,
        metavar="N",
        help="tests/property: move so many random projects (5; 25 with --long)",
    )
    parser.addoption(
        "--project-seed",
        type=int,
        default=1,
        metavar="S",
        help="tests/property: the first project's seed; the others' follow",
    )


def pytest_configure(config: pytest.Config) -> None:
    """How much of what takes its time is run, where nobody says."""
    option, long = config.option, config.getoption("--long")
    option.crashes = option.crashes or ("some" if long else "few")
    if option.schedules is None:
        option.schedules = 1 if option.seed is not None else 2000 if long else 200
    if option.projects is None:
        option.projects = 25 if long else 5
    _use_memory()
    _keep_compiled(config)


def _use_memory() -> None:
    """Let servers have their folders in memory, where there is enough of it and nobody said where.

    A database is 300 files, made and dropped for nearly each test: on a disk, finding room for them
    takes the file system as long as all of their statements take the server.
    """
    memory = Path("/dev/shm")
    if "TMPDIR" in os.environ or not os.access(memory, os.W_OK | os.X_OK):
        return
    found = os.statvfs(memory)
    if found.f_frsize * found.f_bavail >= _ROOM and not found.f_flag & os.ST_NOEXEC:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", tempfile.gettempdir())  # of `tmp_path`
        os.environ["TMPDIR"] = str(memory)  # for the workers and what they start, too
        tempfile.tempdir = None


def _keep_compiled(config: pytest.Config) -> None:
    """Where Python may not write beside the sources what it compiled, let it do so elsewhere: else
    each program that a test starts compiles all of Repot first, which takes half of its start."""
    if "PYTHONDONTWRITEBYTECODE" in os.environ and not sys.pycache_prefix:
        folder = tempfile.mkdtemp(prefix="repot-pyc-")
        config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
        os.environ["PYTHONPYCACHEPREFIX"] = folder
        del os.environ["PYTHONDONTWRITEBYTECODE"]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Cases marked `long` need --long."""
    if not config.option.long:
        more = [item for item in items if item.get_closest_marker("long")]
        items[:] = [item for item in items if item not in more]
        config.hook.pytest_deselected(items=more)


@pytest.fixture(scope="session")
def server() -> Iterator[EmbeddedServer]:
    """A running server with `wal_level=logical`; do not stop or restart it: others use it."""
    settings = {"wal_level": "logical", "max_prepared_transactions": 10}
    with EmbeddedServer(settings=settings) as running:
        yield running


@pytest.fixture
def make_database(server: EmbeddedServer) -> Iterator[Callable[..., str]]:
    """`make_database(template=None)` creates a database, empty or as a copy of the database named
    `template`, and returns its connection string; dropped after the test, whoever is connected."""
    made: list[str] = []

    def make(template: str | None = None) -> str:
        made.append(f"test_{next(_numbers)}")
        return server.create_database(made[-1], template)

    yield make
    for name in reversed(made):
        server.drop_database(name)


@pytest.fixture
def database(make_database: Callable[..., str]) -> str:
    """The connection string of a fresh, empty database."""
    return make_database()
