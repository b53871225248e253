"""A project of which V2 is built."""

from __future__ import annotations

from pathlib import Path

import pytest

from repot.engine.session import Session
from support.building import (
    FILES,
    V1,
)
from support.moving import make_session


@pytest.fixture
def session(database: str, tmp_path: Path) -> Session:
    return make_session(database, tmp_path, FILES, V1)
