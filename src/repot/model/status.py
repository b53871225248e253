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
    busy: tuple[str, ...]  # Repot processes at work on this database now
