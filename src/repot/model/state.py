"""Where a run stands."""

from __future__ import annotations

import json
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from repot.model.base import Value

T = TypeVar("T", bound=Value)


class Phase(StrEnum):
    """The one state of a run; which stage may follow which is decided in lifecycle/."""

    PLANNED = "planned"
    COPYING = "copying"  # V2, views and capture stand; rows or indexes are missing
    COPIED = "copied"  # V2 is complete
    CUT_OVER = "cut_over"  # V2 serves under V1's name, V1 is retired
    ROLLED_BACK = "rolled_back"  # V1 serves again, V2 is built and kept
    CLEANED = "cleaned"  # V1 is gone


class Run(Value):
    id: int
    project: str
    plan_digest: str
    phase: Phase
    created_at: datetime
    updated_at: datetime


class Evidence(Value):
    """One answer of the database, append-only; `kind` names the shape of `answer`."""

    id: int
    run: int | None
    at: datetime
    stage: str
    kind: str
    plan_digest: str
    snapshot: str | None
    question: str  # what was asked, in words or SQL
    answer: dict[str, object]

    def read(self, model: type[T]) -> T:
        """The answer as what the stage returned; what a stage noted beside it is passed over."""
        known = {k: v for k, v in self.answer.items() if k in model.model_fields}
        return model.model_validate_json(json.dumps(known))
