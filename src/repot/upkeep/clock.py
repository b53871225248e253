"""The time, as the database's clock has it: runners on several machines must agree."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Protocol

from repot.postgres.connect import Connection


class Clock(Protocol):
    """Tests bring their own."""

    def look(self, conn: Connection) -> None:
        """Set it by the database's."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""

    def wait(self, until: datetime, wake: Event) -> None:
        """Come back at an instant, or as soon as `wake` is set."""


class ServerClock:
    """This machine's clock, put right by the database's at each look."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def look(self, conn: Connection) -> None:
        before = datetime.now(UTC)
        row = conn.execute("select clock_timestamp()").fetchone()
        after = datetime.now(UTC)
        assert row is not None
        assert isinstance(row[0], datetime)
        self._ahead = row[0] - (before + (after - before) / 2)

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def wait(self, until: datetime, wake: Event) -> None:
        wake.wait(max(0.0, (until - self.now()).total_seconds()))
