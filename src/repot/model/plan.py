"""The compiled plan: what the project means on this database. Every stage reads the same one."""

from __future__ import annotations

from enum import StrEnum

from repot.model.access import AccessRules
from repot.model.base import Value
from repot.model.catalog import Catalog
from repot.model.finding import Finding, Severity
from repot.model.names import Name
from repot.model.project import (
    CaptureSetting,
    CopySetting,
    CutoverSetting,
    Leave,
    RegistrySetting,
    SqlFile,
)


class Role(StrEnum):
    """What a table is to an arm of a view."""

    DRIVING = "driving"  # the arm has one row (or several) per row of it
    JOINED = "joined"  # looked up by a unique key: at most one row of it per row of the arm
    GROUPED = "grouped"  # aggregated: many rows of it make one
    FILTER = "filter"  # read in EXISTS, IN, NOT EXISTS only


class Link(Value):
    """How a change of a source row finds the scope values it touches.

    `capture` are the source's columns that capture logs, old and new. Where `locate` is None
    their values are the scope itself, in the scope's order. Else `locate` is a SELECT that returns
    the scope columns and then `repot_link_1` … `repot_link_n`: the scopes touched are those whose
    link columns equal the logged values, evaluated when the change is applied (trap 17).
    """

    source: Name
    capture: tuple[str, ...]
    locate: str | None = None
    locate_view: Name | None = None  # where `locate` is kept as a view


class Constants(Value):
    """Columns of the key that are constants in an arm; `select` gives them, in one row."""

    columns: tuple[str, ...]
    select: str


class Use(Value):
    """One appearance of a table in an arm of a view."""

    arm: int
    source: Name
    alias: str
    own: str = ""  # the same, unique within the arm
    role: Role
    link: Link | None  # None: not derivable, `why` says why
    why: str = ""
    # SELECT: the view's key columns, then the source's primary key as repot_source_1 …; a row for
    # each source row that an output row is made of. None for FILTER, or without a primary key.
    pairs: str | None = None
    pairs_view: Name | None = None
    constants: Constants | None = None  # of its arm: they tell the arm's rows from the others'


class Output(Value):
    """One column of a view."""

    name: str
    type: str
    # per arm: the column it is a bare copy of, if it is
    direct: tuple[tuple[Name, str] | None, ...] = ()
    # per arm: of which appearance of the table (Use.own); a table may be joined to itself
    own: tuple[str | None, ...] = ()


class Derivation(Value):
    """One derived table: it is right when its rows are exactly those of its view.

    Forward: a V2 table and its move. Back: a V1 table and its way back over V2.
    """

    name: str  # the table's name, and the file's
    table: Name  # where the rows go, named as at plan time
    user_view: Name  # the user's SELECT
    view: Name  # the same, cast to the table's types
    loop: Name | None = None  # back only: the way back compiled over the forward views
    # `view` with the scope as `user_view` gives it beside: an index serves that, and not a cast
    asked: Name | None = None
    columns: tuple[str, ...]  # given by the view and written to the table
    defaulted: tuple[str, ...] = ()  # the table's other columns (not generated)
    key: tuple[str, ...]  # joins a row of the view with its row of the table
    scope: tuple[str, ...]  # prefix of the key by which changes are applied
    outputs: tuple[Output, ...]
    uses: tuple[Use, ...]
    sql: SqlFile
    derived: bool = False  # back only: Repot derived it

    @property
    def asked_by(self) -> tuple[Name, tuple[str, ...]]:
        """The view that is asked for the rows of some scopes, and its columns that hold these."""
        if self.asked is None:
            return self.view, self.scope
        return self.asked, tuple(f"repot_scope_{n}" for n in range(1, len(self.scope) + 1))


class Registry(Value):
    name: str
    setting: RegistrySetting
    table: Name
    view: Name  # the user's SELECT
    key_types: tuple[str, ...]
    scope: tuple[str, ...] = ()  # the key columns that a changed row tells; the rest are computed
    uses: tuple[Use, ...] = ()  # over those
    sql: SqlFile

    @property
    def told(self) -> tuple[str, ...]:
        """By which columns keys are asked for."""
        return self.scope or self.setting.key


class NotCarried(Value):
    """What a rollback could not bring back from V2."""

    table: str  # V2 table
    column: str | None = None  # None: whole rows
    why: str
    of_v1: bool = False  # the table is V1's and has no way back; V2 may have one of its name


class Plan(Value):
    """`digest` covers the project and both catalogs' shapes; evidence names it."""

    project: str
    digest: str
    project_digest: str
    server_version: int
    source_schema: str
    outside_schemas: tuple[str, ...]
    target_schema: str
    retired_schema: str
    cutover: CutoverSetting
    copying: CopySetting
    capture: CaptureSetting = CaptureSetting()
    leave: Leave
    source: Catalog  # V1 and the outside tables read
    target: Catalog  # V2 as target.sql makes it
    target_sql: SqlFile
    registries: tuple[Registry, ...]
    moves: tuple[Derivation, ...]
    backs: tuple[Derivation, ...]
    new_tables: tuple[str, ...]
    checks: tuple[SqlFile, ...]
    access: AccessRules | None = None
    outside_sql: tuple[SqlFile, ...]
    not_carried: tuple[NotCarried, ...]
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> tuple[Finding, ...]:
        return tuple(f for f in self.findings if f.severity is Severity.ERROR)

    def captured(self) -> tuple[Name, ...]:
        """Tables whose changes matter to the moves, in order of name."""
        found = {u.source for d in self.moves for u in d.uses}
        found |= {u.source for r in self.registries for u in r.uses}
        return tuple(sorted(found, key=str))
