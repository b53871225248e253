"""What a deployment did."""

from __future__ import annotations

from repot.model.base import Value
from repot.model.errors import Exit
from repot.model.finding import Finding


class Ran(Value):
    """A migration that was applied. mode: `whole` (one transaction) or `steps`; resumed: the first
    statement that ran now, where an earlier attempt did those before it."""

    name: str
    file: str
    mode: str
    statements: int
    ms: float
    attempts: int = 1
    resumed: int | None = None
    fingerprint: str | None = None


class Planned(Value):
    """A migration that would run; why: what keeps it from being one transaction."""

    name: str
    file: str
    mode: str
    statements: int
    first: int = 1
    why: str | None = None


class Failure(Value):
    """The statement at which it ended, and what the server said. kept: how many statements of the
    file stay in the database (0: rolled back whole). Secrets are masked."""

    name: str
    file: str
    line: int
    statement: int | None
    sql: str
    message: str
    detail: str = ""
    hint: str = ""
    sqlstate: str | None = None
    mode: str = "whole"
    kept: int = 0
    logs: str = ""


class Deployment(Value):
    """applied: in order; pending: what is still to run; refused: nothing was begun."""

    applied: tuple[Ran, ...] = ()
    pending: tuple[Planned, ...] = ()
    findings: tuple[Finding, ...] = ()
    failure: Failure | None = None
    refused: bool = False
    dry_run: bool = False
    ms: float = 0

    @property
    def exit(self) -> Exit:
        if self.refused:
            return Exit.REFUSED
        return Exit.FAILED if self.failure else Exit.DONE
