"""What an arm of a view is made of: appearances of relations, values, and equalities."""

from __future__ import annotations

from dataclasses import dataclass, field

from repot.model.catalog import Column, Table
from repot.model.plan import Role
from repot.moves.analysis.ast import pb

_INTEGERS = {"smallint": 2, "integer": 4, "bigint": 8}
_TEXTS = frozenset({"text", "character varying"})
# A column of computed rows: its type is not in the catalog.
UNTYPED = Column(name="", type="", base_type="", type_oid=0, typmod=-1, not_null=False)


@dataclass(frozen=True)
class Col:
    """A column of one appearance of a table."""

    rel: int
    name: str
    column: Column = field(compare=False, hash=False)


@dataclass(frozen=True)
class Val:
    """A value computed from one row of each of `rels`: `node` names them by their own aliases.

    It is NULL wherever one of the rows is missing, so that an equality with it needs them all.
    """

    node: pb.Node = field(compare=False, hash=False)
    rels: frozenset[int]
    col: Col | None = None  # it is this column, bare


@dataclass(frozen=True)
class Resolved:
    """What is known of an expression.

    `values`: whatever it gives, NULL aside, is given by one of them; None: not known.
    `targets`: a filter `expression = x` lets through nothing that needs a row of one of these
    appearances whose column is not x, so the filter may be moved to the column.
    `rels`: all appearances that it depends on, in any way.
    """

    values: tuple[Val, ...] | None
    targets: tuple[Col, ...] = ()
    rels: frozenset[int] = frozenset()
    bare: bool = False  # it gives its one value always, not only where it is not NULL

    @property
    def col(self) -> Col | None:
        """The column that it is a bare copy of."""
        return self.values[0].col if self.bare and self.values else None


@dataclass
class Rel:
    """One appearance of a relation: a table, or rows computed from other appearances.

    `item` is the FROM item that reproduces a computed one; None: it cannot be reproduced.
    """

    id: int
    alias: str  # as the view calls it
    own: str  # unique within the arm
    role: Role
    mark: int = 0  # where it stands in the tree: see inline.plain
    table: Table | None = None
    item: pb.Node | None = None
    depends: frozenset[int] = frozenset()
    spine: bool = True  # a row of the arm needs a row of it
    # its columns as a join with an alias of its own shows them: (alias, name)
    shown: dict[str, tuple[str, str]] = field(default_factory=dict)
    filtering: bool = False  # read in WHERE, ON, HAVING or EXISTS only


@dataclass(frozen=True)
class Atom:
    """A row of `target.rel` matters only where `target` equals one of `source`'s values.

    `strong`: every row of the arm has such a row with just that value.
    """

    target: Col
    source: Resolved
    strong: bool


@dataclass
class Graph:
    """One arm, taken apart."""

    rels: dict[int, Rel] = field(default_factory=dict)
    atoms: list[Atom] = field(default_factory=list)
    nulled: set[int] = field(default_factory=set)  # an outer join may give NULLs in their place
    full: set[frozenset[Col | None]] = field(default_factory=set)  # tied by a FULL JOIN
    outputs: list[tuple[str, Resolved]] = field(default_factory=list)
    # where the arm itself makes one row of several: the columns that those have in common
    group: frozenset[Col] | None = None
    obstacles: list[str] = field(default_factory=list)  # why a filter cannot reach the tables
    notes: dict[int, list[str]] = field(default_factory=dict)  # what might help an appearance

    @property
    def tables(self) -> list[Rel]:
        return [r for r in self.rels.values() if r.table is not None]

    def add(
        self,
        alias: str,
        *,
        role: Role = Role.JOINED,
        table: Table | None = None,
        depends: frozenset[int] = frozenset(),
        mark: int = 0,
    ) -> Rel:
        """A further appearance, with an alias of its own."""
        number = len(self.rels)
        rel = Rel(number, alias, f"repot_{number}", role, mark, table, depends=depends)
        self.rels[number] = rel
        return rel

    def note(self, rel: int, text: str) -> None:
        """Something to say should nothing tie the appearance to the scope."""
        if text not in self.notes.setdefault(rel, []):
            self.notes[rel].append(text)


def comparable(one: Column, other: Column) -> bool:
    """Whether `=` between the two columns means the same value, whatever the session's settings.

    A computed value's type is not known; PostgreSQL compares it with a cast that the text shows,
    or with an operator of both types, which the caller's `=` resolves to again.

    Not so: nondeterministic collations, bpchar of different lengths, and pairs of types whose
    comparison converts (date and timestamp, float4 and float8).
    """
    if not (one.deterministic and other.deterministic):
        return False
    if UNTYPED in (one, other):
        return True
    if one.base_type == "character" or other.base_type == "character":
        return one.type == other.type
    pair = {one.base_type, other.base_type}
    return len(pair) == 1 or pair <= set(_INTEGERS) or pair <= _TEXTS


def wider(one: Column, other: Column) -> bool:
    """Whether the first may hold integers that the second cannot."""
    return _INTEGERS.get(one.base_type, 0) > _INTEGERS.get(other.base_type, 8)


def has_own_equality(column: Column) -> bool:
    """Whether equal values of the type may be told apart by anything that compares them plainly.

    Types outside pg_catalog (their names are qualified) may be like citext, whose `=` other
    sessions do not see; enums are refused with them, for the catalog does not tell them apart.
    """
    return not column.deterministic or "." in column.base_type


def keeps_value(column: Column, cast: pb.TypeName) -> bool:
    """Whether casting the column to the type gives the same value: text and varchar only."""
    name = cast.names[-1].string.sval if cast.names else ""
    qualified = len(cast.names) == 1 or cast.names[0].string.sval == "pg_catalog"
    unlimited = not cast.typmods and cast.typemod == -1 and not cast.array_bounds
    return (
        column.base_type in _TEXTS
        and column.deterministic
        and qualified
        and unlimited
        and name in ("text", "varchar")
    )
