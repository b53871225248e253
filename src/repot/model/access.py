"""Who may reach which rows: what access.toml declares, and what trying it gave."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from repot.model.base import Value
from repot.model.finding import Finding, Severity

NONE, OWN, ALL = "none", "own", "all"  # words for rows; anything else is a condition in SQL


class Operation(StrEnum):
    SELECT = "select"
    INSERT = "insert"
    UPDATE = "update"
    DELETE = "delete"
    TRUNCATE = "truncate"


ROWS = (Operation.SELECT, Operation.INSERT, Operation.UPDATE, Operation.DELETE)  # asks policies


class Identity(Value):
    """A kind of caller: a role, and the claims that its requests carry."""

    name: str
    role: str
    sub: str | None = None  # SELECT whose first column is the claim `sub` of a person
    claims: dict[str, str | int | float | bool | list[str] | None] = {}


class Rights(Value):
    """What an identity may do with one table: words, or conditions over the row.

    truncate None: no matter. columns: the only ones that UPDATE may change; read: the only ones
    that SELECT may give; both None: no matter.
    """

    select: str = NONE
    insert: str = NONE
    update: str = NONE
    delete: str = NONE
    truncate: str | None = NONE
    columns: tuple[str, ...] | None = None
    read: tuple[str, ...] | None = None

    def of(self, operation: Operation) -> str | None:
        """The word or condition for an operation."""
        word = getattr(self, operation.value)
        return None if word is None else str(word)


class TableAccess(Value):
    """One section [table.NAME]: whose a row is, and what deviates from the defaults."""

    owner: str | None = None  # the column that holds the owner's `sub`
    own: str | None = None  # a condition instead of it
    rights: dict[str, Rights] = {}  # by identity


class AccessRules(Value):
    """access.toml."""

    schema_: str | None = None  # where there is no repot.toml
    identities: tuple[Identity, ...]
    default: dict[str, Rights] = {}
    tables: dict[str, TableAccess] = {}  # by bare name, or schema.name
    old: dict[str, TableAccess] = {}  # V1's tables: only whose a row is
    functions: dict[str, tuple[str, ...] | None] | None = None  # by identity; None: no matter

    def rights(self, table: str, identity: str) -> Rights:
        """What holds for an identity and a table of the file."""
        own = self.tables[table].rights if table in self.tables else {}
        return own.get(identity) or self.default.get(identity) or Rights()


class Outcome(StrEnum):
    """What came of one try."""

    ALLOWED = "allowed"
    DENIED = "denied"  # by the want of a grant
    HIDDEN = "hidden"  # by a policy: no such row, or the new row is refused
    REFUSED = "refused"  # by the user's code: a trigger or function raised it
    ERROR = "error"  # neither: recursion, a policy that fails
    UNTRIED = "untried"


class Try(Value):
    """One statement, as one person; `reached` of `of` rows, None where nothing was counted."""

    what: str  # which rows: "own rows", "others' rows", "a row in another's name" …
    outcome: Outcome
    reached: int | None = None
    of: int | None = None
    why: str = ""  # the server's words, or why it was not tried


class Cell(Value):
    """One caller, one table, one operation."""

    table: str
    identity: str
    person: int  # 1 …, of those that the identity's SELECT gave
    operation: Operation
    expected: str | None  # None: nothing is declared
    found: str  # none, own, some, all, error, ?, or "as declared" for a condition
    tries: tuple[Try, ...] = ()
    problems: tuple[str, ...] = ()  # how it differs from what is declared


class Person(Value):
    """Somebody who was tried. `claims` are not kept: they may hold secrets."""

    identity: str
    role: str
    person: int = 1
    sub: str | None = None


class Callable(Value):
    """A function that roles of access.toml may call."""

    function: str  # name(argument types)
    definer: bool  # SECURITY DEFINER
    owner: str
    identities: tuple[str, ...]


class Access(Value):
    """The matrix of one schema, and how it differs from access.toml."""

    at: datetime
    schema_: str
    side: str  # v1, v2, or schema where there is no run
    people: tuple[Person, ...]
    tables: tuple[str, ...]
    cells: tuple[Cell, ...]
    functions: tuple[Callable, ...] = ()
    findings: tuple[Finding, ...] = ()
    tries: int = 0  # statements that were tried
    untried: int = 0
    ms: int = 0

    @property
    def passed(self) -> bool:
        """Nothing differs from what is declared, and nothing fails."""
        return not self.errors

    @property
    def errors(self) -> tuple[Finding, ...]:
        return tuple(f for f in self.findings if f.severity is Severity.ERROR)

    def brief(self) -> Access:
        """The same without what was tried one by one, but where it differs."""
        cells = (c if c.problems else c.model_copy(update={"tries": ()}) for c in self.cells)
        return self.model_copy(update={"cells": tuple(cells)})


class Change(Value):
    """What an identity may do differently on V2; "-": the table is not there."""

    table: str
    identity: str
    operation: Operation
    before: str
    after: str


class Comparison(Value):
    """V1 beside V2."""

    before: Access
    after: Access
    changes: tuple[Change, ...]
