"""What a generated project is made of: V1's tables, and the moves over them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

NO_ACTION = "no action"
KINDS = frozenset(
    {"plain", "filtered", "joined", "registry", "halves", "split", "grouped", "distinct", "union"}
)


@dataclass(frozen=True)
class Column:
    """`domain` are the few values, as texts, that writers draw from: they must meet each other."""

    name: str
    type: str
    domain: tuple[str, ...]
    not_null: bool = False
    default: str | None = None
    identity: bool = False


@dataclass(frozen=True)
class Foreign:
    """A foreign key of V1."""

    columns: tuple[str, ...]
    parent: str
    referenced: tuple[str, ...]
    on_delete: str = NO_ACTION
    on_update: str = NO_ACTION
    deferrable: bool = False


@dataclass(frozen=True)
class Unique:
    columns: tuple[str, ...]
    deferrable: bool = False


@dataclass
class Table:
    """A table of V1."""

    name: str
    columns: list[Column]
    primary: tuple[str, ...]
    uniques: list[Unique] = field(default_factory=list)
    foreign: list[Foreign] = field(default_factory=list)

    def column(self, name: str) -> Column:
        return next(c for c in self.columns if c.name == name)

    @property
    def rest(self) -> list[Column]:
        """The columns beside the primary key."""
        return [c for c in self.columns if c.name not in self.primary]


@dataclass(frozen=True)
class Output:
    """A column of V2. `copies`: the column of the move's own V1 table that it holds as it is."""

    name: str
    text: str
    type: str
    not_null: bool = False
    copies: str | None = None
    identity: bool = False


@dataclass
class Move:
    """One V2 table.

    `text` is the SELECT that is kept for the test's own comparison.
    `source`: the V1 table whose rows it keeps one by one, so that a way back can be derived.
    `judged`: the V1 columns that decide whether a row is in V2 at all.
    `fixed`: rows must neither be made nor deleted on V2, for another V2 table holds a part of them.
    """

    name: str
    kinds: frozenset[str]
    text: str
    outputs: list[Output]
    key: tuple[str, ...]
    source: Table | None = None
    uniques: list[Unique] = field(default_factory=list)
    foreign: list[Foreign] = field(default_factory=list)
    judged: frozenset[str] = frozenset()
    filtered: bool = False
    fixed: bool = False

    @property
    def copies(self) -> dict[str, str]:
        """V1 column: V2 column."""
        return {o.copies: o.name for o in self.outputs if o.copies is not None}


@dataclass(frozen=True)
class Layout:
    """Where V1, V2 and the retired V1 are, and how they are switched."""

    source: str
    target: str
    retired: str
    swap: str


@dataclass
class Generated:
    """A whole project: V1 as DDL, its folder's files, and what the test knows about it."""

    seed: int
    layout: Layout
    tables: list[Table]
    moves: list[Move]
    ddl: str
    files: Mapping[str, str]

    def table(self, name: str) -> Table:
        return next(t for t in self.tables if t.name == name)

    @property
    def kinds(self) -> frozenset[str]:
        return frozenset().union(*(m.kinds for m in self.moves))
