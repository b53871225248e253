"""One table's share of a batch: what its rows should be, and which are to go."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from psycopg import sql

from repot.model.catalog import Catalog, Column, ForeignKey, Table
from repot.model.names import Name
from repot.model.plan import Derivation
from repot.postgres.compose import joined

_UPDATING = ("CASCADE", "SET NULL", "SET DEFAULT")
FORBIDDING = ("a", "r")  # NO ACTION, RESTRICT; the others write


@dataclass(frozen=True)
class Child:
    """A foreign key of a derived table to the one that is written; `table` is its name now.

    known: the view of the rows that the other side knows, where the table may hold others; for
    those the key does what it says.
    """

    derivation: Derivation
    table: Name
    key: ForeignKey
    known: Name | None = None

    @property
    def acts(self) -> bool:
        """Whether the key itself writes when a row that is referred to is deleted."""
        return self.key.on_delete not in FORBIDDING

    def follows(self, parent: Work) -> bool:
        """Whether the key itself writes when a value of `parent` that is referred to is updated."""
        acts = any(f"ON UPDATE {action}" in self.key.definition for action in _UPDATING)
        return acts and not set(self.key.referenced) <= set(parent.derivation.key)


@dataclass(frozen=True)
class Work:
    """One derivation's share: the wanted rows and the keys to delete, both in temporary tables, and
    how many they are; `table` is the table's name now, `columns` are those that are written.

    shared: others write the table, too.
    """

    derivation: Derivation
    description: Table
    table: Name
    wanted: Name
    doomed: Name
    columns: tuple[str, ...]
    wants: int = 0
    dooms: int = 0
    children: tuple[Child, ...] = ()
    shared: bool = False

    def with_doomed(self, rows: int) -> Work:
        return replace(self, dooms=rows)

    def described(self, column: str) -> Column:
        found = self.description.column(column)
        assert found is not None
        return found


def children(
    parent: Name,
    derivations: Iterable[Derivation],
    catalog: Catalog,
    names: Mapping[Name, Name],
    *,
    others: bool = False,
) -> tuple[Child, ...]:
    """The foreign keys to `parent` of tables that are derived. A table that is not (V2's own) has
    its rows from nowhere else: what its keys say is done to them.

    others: the tables may hold rows that the other side has not, although nothing waits.
    """
    found = []
    for d in derivations:
        table = catalog.get(d.table)
        for key in table.foreign_keys if table else ():
            if key.references == parent:
                found.append(Child(d, names[d.table], key, d.loop or (d.view if others else None)))
    return tuple(found)


def same_key(derivation: Derivation, left: str, right: str) -> sql.Composed:
    """`left` and `right` are the same row."""
    return joined(
        (
            sql.SQL("{}.{} = {}.{}").format(
                sql.Identifier(left), sql.Identifier(c), sql.Identifier(right), sql.Identifier(c)
            )
            for c in derivation.key
        ),
        " and ",
    )
