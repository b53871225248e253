"""What is known of the objects that a folder makes, as far as its texts say it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum

Key = tuple[str, str]  # schema and name


@dataclass(frozen=True, order=True)
class Place:
    """A statement of the folder; places can be compared: earlier is less."""

    page: int
    number: int
    file: str
    line: int
    down: bool = False  # in the way back

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


class Sort(StrEnum):
    """Sorts of objects that share a space of names."""

    RELATION = "relation"
    TYPE = "type"
    FUNCTION = "function"
    SCHEMA = "schema"
    COLUMN = "column"
    CONSTRAINT = "constraint"
    TRIGGER = "trigger"
    POLICY = "policy"


@dataclass(frozen=True)
class Gone:
    """Where an object went: dropped, or renamed to another name."""

    place: Place
    how: str


@dataclass(frozen=True)
class Column:
    """A column. type: as written; enum: the number of its type, if the folder knows that one."""

    name: str
    type: str
    enum: int | None
    not_null: bool
    default: bool
    place: Place


@dataclass(frozen=True)
class Constraint:
    """kind: primary, unique, foreign, check, exclude. refers: the number of the table meant.

    on_delete, on_update: the parser's letters (a, r, c, n, d); set_columns: those of SET NULL (…).
    index: the number of its index.
    """

    name: str
    kind: str
    columns: tuple[str, ...]
    place: Place
    refers: int | None = None
    ref_columns: tuple[str, ...] = ()
    on_delete: str = "a"
    on_update: str = "a"
    set_columns: tuple[str, ...] = ()
    index: int | None = None


@dataclass(frozen=True)
class Index:
    """elements: each a column's name (plain) or an expression (spelled); how: order and class."""

    table: int
    elements: tuple[str, ...]
    plain: tuple[bool, ...]
    how: tuple[str, ...]
    unique: bool
    nulls_not_distinct: bool
    method: str
    where: str
    where_null: frozenset[str]  # columns that the predicate wants to be NULL
    where_names: frozenset[str]  # columns that the predicate mentions
    include: tuple[str, ...]
    made_by: str  # index, unique, primary, exclude


@dataclass(frozen=True)
class Relation:
    """A table, view, sequence or index.

    made: where the folder created it, None if it was there before; whole: all its columns are
    known; reads: the numbers of the relations that a view reads; owner: of a sequence or an index.
    """

    number: int
    kind: str
    key: Key
    made: Place | None
    whole: bool
    columns: dict[str, Column] = field(default_factory=dict)
    gone: dict[str, Gone] = field(default_factory=dict)
    constraints: tuple[Constraint, ...] = ()
    indexes: tuple[int, ...] = ()
    index: Index | None = None
    reads: frozenset[int] = frozenset()
    mentions: frozenset[str] = frozenset()  # columns that a view names; * for all of that time
    owner: int | None = None
    transaction: int = 0  # in which it was made
    filled: bool = False  # rows may be in it at that point

    def with_column(self, column: Column) -> Relation:
        """With the column added or replaced."""
        gone = {k: v for k, v in self.gone.items() if k != column.name}
        return replace(self, columns={**self.columns, column.name: column}, gone=gone)

    def without_column(self, name: str, gone: Gone) -> Relation:
        """Without the column."""
        columns = {k: v for k, v in self.columns.items() if k != name}
        return replace(self, columns=columns, gone={**self.gone, name: gone})


@dataclass(frozen=True)
class Enum:
    """A type; transaction: in which it was made; values: of an enum."""

    number: int
    kind: str
    key: Key
    made: Place | None
    transaction: int
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Incident:
    """Something that cannot go well, or should be looked at, where it happens.

    code: what it is, for the rule that tells of it; what: the object, for people; other: another
    place that belongs to it; certain: false where it may be well after all.
    """

    code: str
    place: Place
    what: str
    other: Place | None = None
    detail: str = ""
    certain: bool = True
