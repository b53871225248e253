"""What must be true of a database after a migration, and what was found of it."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from repot.model.base import Value
from repot.model.project import SqlFile

ROLES = ("anon", "authenticated", "service_role")  # asked about where they exist


class Argument(Value):
    """One parameter of a declared signature; type: as written, for the server to resolve."""

    name: str
    type: str
    mode: str = "i"  # as in pg_proc.proargmodes: i, o, b (inout), v (variadic), t (of a table)
    default: bool = False


class Signature(Value):
    """A declared signature, as PostgreSQL's grammar reads it. schema_: None for a bare name."""

    schema_: str | None
    name: str
    arguments: tuple[Argument, ...]
    returns: str | None  # None: a procedure, or what its OUT arguments say
    returns_set: bool = False


class FunctionCheck(Value):
    """A `[[function]]` of checks.toml; docs/reference/checks.md says what each key means."""

    signature: str
    parsed: Signature
    kind: str = Field(default="function", pattern="^(function|procedure)$")
    security: str | None = Field(default=None, pattern="^(definer|invoker)$")
    search_path: tuple[str, ...] | None = None
    execute: tuple[str, ...] | None = None
    language: str | None = None
    volatility: str | None = Field(default=None, pattern="^(immutable|stable|volatile)$")

    @property
    def title(self) -> str:
        """The signature on one line."""
        return " ".join(self.signature.split())


class Relation(Value):
    """A name of checks.toml; schema_: None for a bare one."""

    schema_: str | None
    name: str


class TriggerCheck(Value):
    """A `[[trigger]]`."""

    name: str
    table: Relation
    function: Relation
    timing: str = Field(pattern="^(before|after|instead of)$")
    events: tuple[str, ...] = Field(min_length=1)
    columns: tuple[str, ...] | None = None
    for_each: str = Field(default="row", pattern="^(row|statement)$")
    enabled: str = Field(default="origin", pattern="^(origin|always)$")


class WithoutRowSecurity(Value):
    table: Relation
    reason: str = Field(min_length=1)


class RowSecurityCheck(Value):
    """The section `[row_security]`."""

    policies: bool = False
    force: bool = False
    exceptions: tuple[WithoutRowSecurity, ...] = Field(default=(), alias="except")

    model_config = {"populate_by_name": True}


class AbsentCheck(Value):
    """The section `[absent]`: what must be gone."""

    functions: tuple[Relation, ...] = ()
    tables: tuple[Relation, ...] = ()
    types: tuple[Relation, ...] = ()


class Checking(Value):
    """All checks of a folder. schema_: None in a project, where Repot knows where V2 stands."""

    schema_: str | None = None
    required: tuple[str, ...] = ()  # features that must be there
    roles: tuple[str, ...] | None = None
    statement_timeout_ms: int = Field(default=30_000, gt=0)
    lock_timeout_ms: int = Field(default=2_000, gt=0)
    functions: tuple[FunctionCheck, ...] = ()
    triggers: tuple[TriggerCheck, ...] = ()
    row_security: RowSecurityCheck | None = None
    absent: AbsentCheck = AbsentCheck()
    features: dict[str, SqlFile] = {}
    queries: dict[str, SqlFile] = {}  # checks/*.sql

    @property
    def empty(self) -> bool:
        """Whether nothing at all is declared."""
        absent = self.absent
        return not (
            *self.functions,
            *self.triggers,
            *self.features,
            *self.queries,
            *self.required,
            *absent.functions,
            *absent.tables,
            *absent.types,
            *([self.row_security] if self.row_security else ()),
        )


class Outcome(StrEnum):
    PASSED = "passed"
    FAILED = "failed"  # or could not be run
    NOT_RUN = "not run before the cutover"


class Checked(Value):
    """One check and what came of it. ms: how long it took."""

    kind: str  # function, trigger, row security, absent, feature, query
    name: str
    outcome: Outcome
    reasons: tuple[str, ...] = ()  # why it failed, or was not run
    hint: str = ""
    file: str | None = None
    line: int | None = None
    expectations: int = 0  # of a feature: those that were met or not
    examples: tuple[str, ...] = ()  # rows that are wrong
    ms: int = 0


class CheckReport(Value):
    """All of them. in_place: whether what was looked at is what serves."""

    database: str
    schema_: str = Field(alias="schema")
    in_place: bool
    checks: tuple[Checked, ...]
    ms: int = 0

    model_config = {"populate_by_name": True}

    def count(self, outcome: Outcome) -> int:
        """How many checks ended so."""
        return sum(c.outcome is outcome for c in self.checks)

    @property
    def failed(self) -> bool:
        """One failed, or none was run."""
        return bool(self.count(Outcome.FAILED)) or not self.count(Outcome.PASSED)

    @property
    def passed(self) -> bool:
        """Each was run and passed, and there was one at least."""
        return not self.failed and not self.count(Outcome.NOT_RUN)
