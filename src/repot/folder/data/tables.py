"""A table as the pending statements have left it so far, and its rows as a query.

Each statement that changes rows lays one query over the last: an UPDATE becomes a CASE, a DELETE a
WHERE. So what a later statement would find can be counted without running anything.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from psycopg import sql

from repot.model.catalog import Check, ForeignKey, Table
from repot.model.names import Name
from repot.postgres.compose import ident, joined


@dataclass(frozen=True)
class Rows:
    """One step: the name that the query has in a WITH, its body, and the steps that it reads.

    once: it must be worked out once, because two others read it and must see the same.
    """

    name: str
    body: sql.Composable
    needs: tuple[Rows, ...] = ()
    once: bool = False


@dataclass
class Column:
    """known: the rows' query gives its values as they will be; made: by a pending statement;
    rewritten: by a pending UPDATE; copied: something pending has read its values."""

    name: str
    type: str
    not_null: bool = False
    default: str | None = None
    generated: bool = False
    known: bool = True
    made: bool = False
    rewritten: bool = False
    copied: bool = False


@dataclass
class State:
    """A table at one point of the pending statements.

    known: its rows are known at all; more: there may be more rows than the query gives; created:
    by a pending statement (its rows are not looked at).
    """

    name: Name
    columns: dict[str, Column]
    rows: Rows | None
    today: Table | None = None
    known: bool = True
    more: bool = False
    copied: bool = False
    emptied: bool = False
    foreign_keys: list[ForeignKey] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    events: set[str] = field(default_factory=set)  # of its triggers: insert, update, delete
    key: tuple[str, ...] = ()

    @property
    def created(self) -> bool:
        return self.today is None

    def copy(self) -> State:
        """One that goes its own way."""
        return replace(
            self,
            columns={n: replace(c) for n, c in self.columns.items()},
            foreign_keys=list(self.foreign_keys),
            checks=list(self.checks),
            events=set(self.events),
        )

    def knows(self, columns: Iterable[str]) -> bool:
        """Whether the query gives these columns as they will be."""
        return (
            self.known
            and self.rows is not None
            and all(c in self.columns and self.columns[c].known for c in columns)
        )


def first_rows(table: Table) -> Rows:
    """The table as it is today; computed and all."""
    # System columns: examples of a table without a key say where the row lies.
    columns = [sql.Identifier(c.name) for c in table.columns]
    body = sql.SQL("select {} from {}").format(joined(columns), ident(table.name))
    return Rows(f"repot_{table.oid}", body)


def order(rows: Iterable[Rows]) -> list[Rows]:
    """All steps that these need, each once, those that are read before those that read."""
    found: dict[str, Rows] = {}

    def add(one: Rows) -> None:
        if one.name not in found:
            for need in one.needs:
                add(need)
            found[one.name] = one

    for one in rows:
        add(one)
    return list(found.values())


def question(main: sql.Composable, *rows: Rows | None) -> sql.Composed:
    """`main`, which reads these rows by their names, with all that they need before it."""
    steps = order(r for r in rows if r is not None)
    ctes = [
        sql.SQL("{} as {} ({})").format(
            sql.Identifier(s.name),
            sql.SQL("materialized" if s.once else "not materialized"),
            s.body,
        )
        for s in steps
    ]
    return sql.SQL("with {} {}").format(joined(ctes), main)
