"""The undisturbed move, made once per server, and how many accidents there are."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from faults.stages import Stages
from faults.world import make_project
from repot.embedded import EmbeddedServer


@pytest.fixture(scope="session")
def stages(server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stages]:
    """On the server that all tests share: it stays up."""
    made = _stages(server, tmp_path_factory.mktemp("faults"))
    yield made
    made.drop()


@pytest.fixture(scope="session")
def crashing_stages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stages]:
    """On a server of its own, which writes to disk as a real one does."""
    settings = {"max_prepared_transactions": 10}
    with EmbeddedServer(durable=True, settings=settings) as server:
        yield _stages(server, tmp_path_factory.mktemp("faults"))


def _stages(server: EmbeddedServer, folder: Path) -> Stages:
    made = Stages(server, make_project(folder))
    made.prepare()
    return made


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """`journey`: its seed; as many journeys as it takes for REPOT_FAULTS accidents (20 if it is not set)."""
    if "journey" in metafunc.fixturenames:
        from faults.journeys import VERBS

        wanted = int(os.environ.get("REPOT_FAULTS", "20"))
        metafunc.parametrize("journey", range(1, math.ceil(wanted / len(VERBS)) + 1))
