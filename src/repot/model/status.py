"""Where things stand, for a person who has just come in."""

from __future__ import annotations

from datetime import datetime

from repot.model.base import Value
from repot.model.state import Phase


class Step(Value):
    """A stage that has been done, and what it gave."""

    stage: str
    at: datetime
    what: str
    good: bool = True


class Lag(Value):
    """What waits to be carried over in one direction."""

    direction: str  # forward: V1's changes to V2; back: V2's to V1
    changes: int = 0  # logged
    scopes: int = 0  # worked out from changes, to be derived anew
    seconds: float = 0.0  # since when the oldest of them waits
    tables: dict[str, int] = {}  # captured table: logged changes

    @property
    def waiting(self) -> int:
        """Changes and scopes together."""
        return self.changes + self.scopes


class SlotStatus(Value):
    """The replication slot from which a run reads changes."""

    name: str
    behind: int = 0  # bytes of WAL, of all tables, that were not read yet
    kept: int = 0  # bytes of WAL that the server keeps for it
    trouble: str | None = None  # why changes are lost; None: all is well


class Status(Value):
    """What has been done, what may come next, what is in the way."""

    project: str
    run: int | None
    phase: Phase | None
    plan_digest: str | None
    steps: tuple[Step, ...]
    may: tuple[str, ...]  # stages that may come next, the usual one first
    obstacles: dict[str, tuple[str, ...]]  # stage: why it may not
    pending: dict[str, int]  # captured table: changes that are not applied yet
    lag: Lag | None = None  # None: nothing is captured yet, or no longer
    slot: SlotStatus | None = None  # None: nothing is captured from the WAL
    set_aside: int = 0  # scopes that could not be applied
    uncarried: dict[str, int] = {}  # V2 table: rows written on V2 that V1 has no place for
    uncarried_unforeseen: int = 0  # of those, rows of which the plan did not warn
    conflicts: int = 0  # both ways at once: rows that were changed on both sides
    busy: tuple[str, ...]  # Repot processes at work on this database now
