"""The settings of the built-ins: what each means, its default, and what is wrong with a value.

The SQL functions fill in the same defaults (sql/defaults.sql), so that they run by hand, too.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal
from zoneinfo import available_timezones

import postgast
from pydantic import AfterValidator, Field

from repot.model.base import Value

_UNIT = r"(second|minute|hour|day|week|month|year)s?"
_AGE = re.compile(rf"\s*\d+\s+{_UNIT}(\s+\d+\s+{_UNIT})*\s*", re.IGNORECASE)


def _age(text: str) -> str:
    if not _AGE.fullmatch(text):
        raise ValueError(f'{text!r} is no age: write "90 days", "1 year 6 months", "30 minutes"')
    return text


def _condition(text: str) -> str:
    """Whether it can stand after WHERE; the database looks at the names in it."""
    try:
        postgast.parse(f"select 1 where (\n{text}\n)")
        tree = postgast.parse(f"select 1 where {text}")  # "a) or (b" is none, nor "a limit 1"
    except postgast.PgQueryError as wrong:
        raise ValueError(f"{text!r} is no condition: {wrong}") from None
    if len(tree.stmts) != 1:
        raise ValueError(f"{text!r} is more than a condition")
    return text


def _table(text: str) -> str:
    """A schema and a table, quoted as in SQL."""
    if not re.fullmatch(r'("([^"]|"")+"|[^".\s]+)\.("([^"]|"")+"|[^".\s]+)', text):
        raise ValueError(f"{text!r} is no table with its schema, as in SQL: public.orders")
    return text


def _zone(text: str) -> str:
    if text not in available_timezones():
        raise ValueError(f"{text!r} is no IANA name of a time zone")
    return text


Age = Annotated[str, AfterValidator(_age)]
Condition = Annotated[str, AfterValidator(_condition)]
TableName = Annotated[str, AfterValidator(_table)]
Zone = Annotated[str, AfterValidator(_zone)]
Columns = dict[str, str | int | float | bool]
Percent = Annotated[float, Field(ge=0)]
Chunk = Annotated[int, Field(ge=1, le=100_000)]


class Schemas(Value):
    """What looks at whole schemas; none listed: all but the system's and Repot's."""

    schemas: tuple[str, ...] = ()


class Counters(Value):
    table: TableName
    set: Columns = Field(min_length=1)  # column: value
    where: Condition = "true"  # the rows; it should name a day, so that the next day's count stays
    chunk: Chunk = 1000


class Failed(Value):
    table: TableName
    where: Condition
    column: str  # a time: since when the row has been so
    older_than: Age = "1 hour"
    time_zone: Zone = "UTC"  # of a column without one
    examples: int = Field(default=5, ge=0, le=100)
    severity: Literal["info", "warning", "error"] = "warning"
    mark: Columns = {}  # set in the rows that were found
    chunk: Chunk = 1000


class Temporary(Value):
    table: TableName
    column: str  # a time: the row's age
    older_than: Age
    where: Condition = "true"
    time_zone: Zone = "UTC"
    chunk: Chunk = 1000
    max_rows: int = Field(default=0, ge=0)  # at most in one run; 0: all
    cascade: bool = False  # rows that refer to them may go, too


class Analyze(Schemas):
    changed_percent: Percent = 0  # only tables of whose rows so many changed since; 0: all


class Indexes(Schemas):
    unused_after: Age = "14 days"  # how far the statistics must go back
    min_bytes: int = Field(default=1_000_000, ge=0)  # smaller unused ones are not worth a word
    min_rows: int = Field(default=1000, ge=0)  # foreign keys of smaller tables need no index


class Bloat(Schemas):
    min_bytes: int = Field(default=10_000_000, ge=0)
    percent: Percent = 40  # from here on it is told
    exact_below_bytes: int = Field(default=1_000_000_000, ge=0)  # larger ones are not read


class Sequences(Schemas):
    warn_percent: Percent = 70
    error_percent: Percent = 90
    behind: bool = True  # compare with the highest value of the column


class Wraparound(Value):
    warn_percent_of_freeze: Percent = 120  # of autovacuum_freeze_max_age
    error_percent_of_limit: Percent = 50  # of 2^31
    tables: int = Field(default=5, ge=0, le=100)  # so many of the oldest are named


class Sessions(Value):
    transaction: Age = "5 minutes"  # open for longer
    idle: Age = "5 minutes"  # in a transaction, doing nothing
    prepared: Age = "1 hour"
    slot_bytes: int = Field(default=1_000_000_000, ge=0)  # WAL that an idle slot holds back
    slot_idle: Age = "1 day"  # known from PostgreSQL 17 on


class Archive(Value):
    table: TableName
    into: Literal[""] | TableName = ""  # default: the same name in the schema `archive`
    column: str
    older_than: Age
    where: Condition = "true"
    time_zone: Zone = "UTC"
    chunk: Chunk = 1000  # rows of one transaction
    max_rows: int = Field(default=0, ge=0)
    moving: Literal["refuse", "allow"] = "refuse"  # a table that Repot is moving
    triggers: tuple[str, ...] = ()  # on DELETE, that may fire
    foreign_keys: bool = True  # the archive's rows refer to what the live ones refer to
    session: dict[str, str] = {}  # the application's own parameters, for its triggers to read
    partitions: Literal["rows", "detach"] = "rows"


class Vacuum(Schemas):
    analyze: bool = True
    full: Literal[False] = False  # it locks tables: not for a task
    reindex: tuple[Literal["invalid", "bloated"], ...] = ()
    percent: Percent = 40  # of an index's size, for "bloated"
    min_bytes: int = Field(default=10_000_000, ge=0)


class Backup(Value):
    into: str  # a folder, beside upkeep.toml or absolute
    schemas: tuple[str, ...] = ()  # none: all
    scratch: Literal["embedded", "same"] = "embedded"  # where it is restored and counted
    jobs: int = Field(default=2, ge=1, le=32)
    keep: int = Field(default=3, ge=1)  # tested backups; older ones are removed
