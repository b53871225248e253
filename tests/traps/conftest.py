"""Scenes: databases in which a project stands at some stage, copied from templates."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from repot.embedded import EmbeddedServer
from traps.scene import Scenes, Templates


@pytest.fixture(scope="session")
def templates(
    server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Templates]:
    made = Templates(server, tmp_path_factory.mktemp("traps"))
    yield made
    made.drop()


@pytest.fixture
def scenes(templates: Templates, make_database: Callable[..., str]) -> Scenes:
    """`scenes.proven()`, for instance, is a session whose database is the test's own."""
    return Scenes(templates, make_database)
