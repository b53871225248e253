"""What the doctor found: each trouble with its evidence and the next command."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from repot.model.base import Value
from repot.model.finding import Finding, Severity


class Trouble(Finding):
    """A finding with what to do now; hint: what would mend it, next: the command to give."""

    area: str = ""
    next: str = ""


class Limits(Value):
    """From when on something is a trouble: seconds, megabytes, shares."""

    transaction_s: float = Field(default=300, ge=0)  # a transaction that works
    idle_s: float = Field(default=60, ge=0)  # idle in transaction
    waiting_s: float = Field(default=5, ge=0)  # for a lock
    prepared_s: float = Field(default=300, ge=0)  # a prepared transaction
    slot_mb: float = Field(default=1024, ge=0)  # WAL that a slot holds back
    lag_s: float = Field(default=60, ge=0)  # a follower's
    connections: float = Field(default=0.9, ge=0, le=1)  # share of max_connections
    question_s: float = Field(default=30, gt=0)  # one question of the doctor's


class DeclaredTrouble(Value):
    """A `[[trouble]]` of doctor.toml; evidence: a SELECT of the rows that are in trouble."""

    code: str = Field(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$")
    area: str = "application"
    severity: Severity = Severity.ERROR
    title: str = Field(min_length=1)
    evidence: str = Field(min_length=1)
    remedy: str = Field(min_length=1)
    next: str = ""
    file: str = "doctor.toml"


class Declared(Value):
    """doctor.toml. schema_: None in a project, where Repot knows where V2 stands."""

    schema_: str | None = None
    limits: Limits = Limits()
    troubles: tuple[DeclaredTrouble, ...] = ()


class Diagnosis(Value):
    """All that was looked at and what was found, errors first."""

    database: str
    at: datetime
    areas: dict[str, int]  # area: questions asked
    troubles: tuple[Trouble, ...]
    ms: int = 0

    @property
    def healthy(self) -> bool:
        """No error was found."""
        return not any(t.severity is Severity.ERROR for t in self.troubles)
