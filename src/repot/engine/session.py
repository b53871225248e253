"""What a stage is given: where, which run, which plan, and who listens."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from repot.model.plan import Plan
from repot.model.progress import Progress, Silent
from repot.model.state import Run
from repot.postgres.connect import Connection, connect


@dataclass(frozen=True)
class Session:
    """`dsn` may hold a password: it is never shown, not even by repr."""

    dsn: str
    run: Run
    plan: Plan
    progress: Progress = field(default_factory=Silent)

    def connect(self, application: str = "repot") -> Connection:
        """A new connection with Repot's settings, in autocommit; the caller closes it."""
        return connect(self.dsn, application=application)

    def at(self, run: Run) -> Session:
        """The same with the run as it is now."""
        return replace(self, run=run)

    def __repr__(self) -> str:
        return f"Session(run={self.run.id}, phase={self.run.phase})"
