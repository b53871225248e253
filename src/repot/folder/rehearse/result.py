"""What a rehearsal has seen."""

from __future__ import annotations

from repot.folder.deploy import Failure
from repot.model.base import Value
from repot.model.errors import Exit
from repot.model.finding import Finding, Severity


class Lock(Value):
    """A lock that a statement took on a relation that others can see. waits: who would wait;
    rows: of the relation in the real database, by its statistics (None: not known)."""

    relation: str
    mode: str
    waits: str
    rows: int | None = None


class Wrote(Value):
    """Rows of one table that a statement changed; lost: gone with a table, a column, a TRUNCATE."""

    relation: str
    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    lost: int = 0
    what: str = ""  # of `lost`: rows, or values of a column


class Step(Value):
    """One statement. Times in ms; rewritten: tables whose every row was written anew; built:
    indexes of tables that were there before; read: rows that it looked at one by one."""

    number: int
    line: int
    kind: str
    sql: str
    ms: float = 0
    locks: tuple[Lock, ...] = ()
    rewritten: tuple[str, ...] = ()
    built: tuple[str, ...] = ()
    wrote: tuple[Wrote, ...] = ()
    read: int = 0
    not_rehearsed: str | None = None


class Held(Value):
    """How long the others would have waited for a relation: from its strongest lock to the end of
    the transaction."""

    relation: str
    mode: str
    ms: float


class FileRun(Value):
    """One migration. mode: `whole` (one transaction) or `steps`; why: what needs steps."""

    name: str
    file: str
    mode: str
    why: str | None
    statements: int
    first: int
    steps: tuple[Step, ...]
    held: tuple[Held, ...] = ()
    ms: float = 0
    failure: Failure | None = None


class Rehearsal(Value):
    """server: the copy's version; data: whether it held the rows, too; left: pending migrations
    that did not run, because one before them failed."""

    files: tuple[FileRun, ...] = ()
    left: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    server: int = 0
    target: int = 0
    data: bool = False
    copied_ms: float = 0
    ms: float = 0

    @property
    def failure(self) -> Failure | None:
        return next((f.failure for f in self.files if f.failure), None)

    @property
    def exit(self) -> Exit:
        """1 where a statement failed or a finding is an error."""
        bad = any(f.severity is Severity.ERROR for f in self.findings)
        return Exit.FAILED if bad or self.failure else Exit.DONE
