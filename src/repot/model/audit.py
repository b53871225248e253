"""What the audit says about V1: its tables, whatever else is in it, and what is wrong with them."""

from __future__ import annotations

from datetime import datetime

from repot.model.base import Value
from repot.model.finding import Finding
from repot.model.names import Name


class ColumnProfile(Value):
    """One column, as counted in the rows read of its table."""

    name: str
    type: str
    nullable: bool
    nulls: int | None = None  # None: its table was not read
    blank: int = 0  # text that is empty or spaces only
    padded: int = 0  # text with spaces before or after
    distinct: int | None = None  # distinct values by the planner's statistics


class TableProfile(Value):
    """One table. `rows` is a count, `estimate` the planner's figure (-1: never analysed)."""

    name: Name
    kind: str  # r: table, p: partitioned table
    rows: int | None  # None: not counted (sampled, or not readable)
    rows_read: int  # rows that the probes looked at
    sampled: bool
    estimate: int
    bytes: int  # with indexes and TOAST
    primary: tuple[str, ...]
    columns: tuple[ColumnProfile, ...]


class VocabularyValue(Value):
    value: str  # its first 200 characters
    rows: int


class Vocabulary(Value):
    """A text column with few distinct values, as if it were an enumeration."""

    table: Name
    column: str
    distinct: int
    values: tuple[VocabularyValue, ...]  # most frequent first, at most 60


class Item(Value):
    """One object of the inventory; what `detail` holds goes by `kind` (docs/reference/audit.md)."""

    kind: str
    name: str
    table: str | None = None  # the table that it belongs to
    owner: str | None = None
    detail: dict[str, str | int | float | bool | list[str] | None] = {}


class Audit(Value):
    """V1 in one snapshot."""

    at: datetime
    snapshot: str  # pg_current_snapshot()
    database: str
    server_version: int  # server_version_num
    schemas: tuple[str, ...]
    outside: tuple[str, ...]
    thorough: bool
    sample_above: int  # rows; larger tables were sampled
    tables: tuple[TableProfile, ...]
    vocabularies: tuple[Vocabulary, ...]
    inventory: tuple[Item, ...]
    findings: tuple[Finding, ...]
    rows_read: int
    ms: int

    def items(self, kind: str) -> tuple[Item, ...]:
        return tuple(i for i in self.inventory if i.kind == kind)
