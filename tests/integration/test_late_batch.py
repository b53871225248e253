"""A batch that had to wait for a switch, and comes after what it would have applied is gone."""

from __future__ import annotations

from typing import Any

import pytest

from repot.engine import capture
from repot.engine.apply import batch, step
from support.shops import OwnShops


def test_a_batch_that_comes_too_late_needs_no_logs(
    shops: OwnShops, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A follower of V2 has its turn when the rollback is committed; meanwhile the rollback takes
    V2's capture away. The follower goes on, the other way."""
    session, _ = shops.proven()  # V2 is captured, and does not serve
    hold = batch.hold_lane

    def removed_meanwhile(conn: Any, run: int, direction: str) -> None:
        hold(conn, run, direction)  # the snapshot is taken
        with session.connect() as other, other.transaction():
            capture.remove(other, run, capture.BACK)

    monkeypatch.setattr(batch, "hold_lane", removed_meanwhile)
    with session.connect() as conn:
        done = step(conn, session.run.id, session.plan, capture.BACK)
    assert (done.changes, done.keys) == (0, 0)
