"""A server of their own for the accidents; every process ends with its test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from faults.moves import Moves
from faults.program import end_all
from repot.embedded import EmbeddedServer


@pytest.fixture(autouse=True)
def nobody_is_left() -> Iterator[None]:
    yield
    end_all()


@pytest.fixture(scope="session")
def moves(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moves]:
    """On a server that may crash. Its commits are safe from that, though not from a power cut."""
    settings = {"wal_level": "logical", "max_prepared_transactions": 10}
    with EmbeddedServer(settings=settings) as server:
        yield Moves.made(server, tmp_path_factory.mktemp("faults"))
