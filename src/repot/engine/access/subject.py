"""One table and one caller, in a transaction of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from psycopg import sql

from repot.engine.access.rows import Group, TooLong, count, groups, mine, sample
from repot.engine.access.scene import Caller, Held, Shape
from repot.model.access import OWN, Operation, Outcome, Rights, TableAccess, Try
from repot.postgres.connect import Connection

T = TypeVar("T")


@dataclass
class Subject:
    """What the tries of one table and caller share. rights None: nothing is declared."""

    conn: Connection
    caller: Caller
    shape: Shape
    held: Held
    lent: bool  # USAGE on the schema is lent for the try
    table: TableAccess
    rights: Rights | None
    others: Sequence[str]  # `sub`s of other people of access.toml
    own: sql.Composable | None = field(init=False)
    _empty: bool | None = None
    _slow: set[str] = field(default_factory=set)  # conditions that took too long

    def __post_init__(self) -> None:
        self.own = mine(self.table, self.shape, self.caller)

    def word(self, operation: Operation) -> str | None:
        """What is declared."""
        return None if self.rights is None else self.rights.of(operation)

    def groups(self, operation: Operation) -> list[Group]:
        """The rows to try it with. Who is nobody in particular owns nothing that could be tried."""
        word = self.word(operation)
        own = self.own if self.caller.person.sub is not None or word == OWN else None
        return groups(word, own)

    def holds(self, grant: bool) -> bool:
        """Whether the role has the grant and can get at the schema."""
        return grant and (self.lent or self.held.usage)

    def empty(self) -> bool:
        """Whether there is no row at all."""
        if self._empty is None:
            self._empty = self.count(sql.SQL("true"), 1) == 0
        return self._empty

    def sample(
        self, condition: sql.Composable, wanted: sql.Composable, most: int
    ) -> list[tuple[str, ...]]:
        """As `rows.sample`; what took too long is not asked again."""
        return self._asking(
            condition, lambda: sample(self.conn, self.shape, condition, wanted, most)
        )

    def count(self, condition: sql.Composable, most: int) -> int:
        """As `rows.count`; what took too long is not asked again."""
        return self._asking(condition, lambda: count(self.conn, self.shape, condition, most))

    def _asking(self, condition: sql.Composable, ask: Callable[[], T]) -> T:
        text = condition.as_string(self.conn)
        if text in self._slow:
            raise TooLong
        try:
            return ask()
        except TooLong:
            self._slow.add(text)
            raise

    @property
    def owner(self) -> str | None:
        """The column that names the owner, where there is one."""
        column = self.shape.column(self.table.owner) if self.table.owner else None
        return column.name if column else None

    def other(self) -> str | None:
        """The `sub` of somebody else: one of access.toml, else one whom the table knows."""
        me = self.caller.person.sub
        known = next((sub for sub in self.others if sub != me), None)
        if known is not None or self.owner is None or self.own is None:
            return known
        name = sql.SQL("{}::text").format(sql.Identifier(self.owner))
        theirs = sql.SQL("({}) is not true and {} is not null").format(self.own, name)
        found = self.sample(theirs, name, 1)
        return found[0][0] if found else None


def unhurried(what: str, make: Callable[[], Try]) -> Try:
    """`make()`; or that it was not tried, as the rows for it could not be found in time."""
    try:
        return make()
    except TooLong:
        return Try(what=what, outcome=Outcome.UNTRIED, why="finding such rows took too long")
