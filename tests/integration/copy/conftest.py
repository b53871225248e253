"""Settings of a copy for one test."""

from __future__ import annotations

import pytest

from repot.stages.copy import units


@pytest.fixture
def many_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small tables are cut, too: a unit has about 40 rows."""
    monkeypatch.setattr(units, "UNIT_ROWS", 40)
