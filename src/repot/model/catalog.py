"""A database's tables as read from its catalogs at one moment."""

from __future__ import annotations

from repot.model.base import Value
from repot.model.names import Name


class Column(Value):
    name: str
    type: str  # format_type(): with its modifier, qualified where the search_path (empty) needs it
    base_type: str  # the same without modifier
    type_oid: int
    typmod: int
    not_null: bool
    default: str | None = None  # expression, as pg_get_expr prints it
    default_volatile: bool = False  # the default calls something that is not immutable
    identity: str = ""  # "a" always, "d" by default, "" none
    generated: bool = False
    deterministic: bool = True  # false: a nondeterministic collation, = is not byte equality
    acl: tuple[str, ...] = ()  # grants on this column alone
    comment: str | None = None


class Unique(Value):
    """A primary key, unique constraint or unique index (valid, total and without expressions)."""

    name: str
    columns: tuple[str, ...]
    primary: bool = False
    nulls_not_distinct: bool = False
    deferrable: bool = False
    constraint: bool = True  # false: an index only


class ForeignKey(Value):
    name: str
    columns: tuple[str, ...]
    references: Name
    referenced: tuple[str, ...]
    definition: str  # pg_get_constraintdef
    on_delete: str = "a"
    deferrable: bool = False
    validated: bool = True


class Check(Value):
    name: str
    columns: tuple[str, ...]
    definition: str  # CHECK (…), as pg_get_constraintdef prints it
    expression: str  # the condition alone (pg_get_expr of conbin)


class Index(Value):
    name: str
    definition: str
    unique: bool
    primary: bool
    constraint: bool  # made by a constraint
    valid: bool
    partial_or_expression: bool


class Trigger(Value):
    name: str
    definition: str
    function: Name
    enabled: str  # tgenabled: O, D, R, A


class Policy(Value):
    name: str
    command: str
    permissive: bool
    roles: tuple[str, ...]
    using: str | None
    check: str | None


class Table(Value):
    """A table (kind r) or partitioned table (kind p)."""

    oid: int
    name: Name
    kind: str
    owner: str
    columns: tuple[Column, ...]
    primary: tuple[str, ...] = ()  # columns of the primary key; empty: there is none
    uniques: tuple[Unique, ...] = ()  # the primary key among them
    foreign_keys: tuple[ForeignKey, ...] = ()
    checks: tuple[Check, ...] = ()
    indexes: tuple[Index, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    policies: tuple[Policy, ...] = ()
    row_security: bool = False
    force_row_security: bool = False
    replica_identity: str = "d"
    acl: tuple[str, ...] = ()
    comment: str | None = None
    estimate: int = 0  # rows, by the planner's statistics; -1: never analysed
    bytes: int = 0  # pg_total_relation_size
    partitions: tuple[Name, ...] = ()
    parent: Name | None = None  # set on a partition

    def column(self, name: str) -> Column | None:
        return next((c for c in self.columns if c.name == name), None)


class Catalog(Value):
    """The tables of the schemas asked for."""

    tables: tuple[Table, ...]

    def get(self, name: Name) -> Table | None:
        return next((t for t in self.tables if t.name == name), None)

    def in_schema(self, schema: str) -> tuple[Table, ...]:
        """Tables of the schema, partitions not among them."""
        return tuple(t for t in self.tables if t.name.schema_ == schema and t.parent is None)
