"""`kill -9` of the program at any moment: the same command again, and nothing tells of it."""

from __future__ import annotations

import pytest

from faults.client import Client
from faults.journeys import travel
from faults.stages import Stages

pytestmark = pytest.mark.xdist_group("faults: client")


def kill(client: Client, _dsn: str) -> bool:
    return client.kill()


def test_killed_at_random_moments(stages: Stages, journey: int) -> None:
    assert travel(stages, kill, journey) >= 2
