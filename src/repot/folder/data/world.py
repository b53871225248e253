"""The database as the pending statements have left it so far."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

from psycopg import sql

from repot.folder.data import trees
from repot.folder.data.ask import Reader, Unknown
from repot.folder.data.sql import load
from repot.folder.data.tables import Column, Rows, State, first_rows, question
from repot.folder.data.today import Today
from repot.model.catalog import Table
from repot.model.names import Name

Node = Any

# Volatile functions of PostgreSQL's own that change nothing and may be asked twice.
_HARMLESS = {
    *("random", "gen_random_uuid", "uuidv4", "uuidv7", "clock_timestamp", "timeofday"),
    *("random_normal", "current_setting", "uuid_generate_v4", "gen_random_bytes"),
}


class World:
    """Tables by name, from today on; `forget_all` is what a statement that cannot be seen through
    leaves behind."""

    def __init__(self, today: Today, reader: Reader) -> None:
        self.today, self.reader = today, reader
        self.path = list(today.path)
        self.tables: dict[Name, State] = {t.name: _state(t) for t in today.catalog.tables}
        self.enums: dict[tuple[str, str], list[str]] = {
            name: list(e.values) for name, e in today.enums.items()
        }
        self.new_enums: set[tuple[str, str]] = set()
        self.functions: set[str] = set()  # created or replaced by pending statements
        self.extensions = {n for n, there in today.extensions.items() if there}
        self.indexes: list[tuple[Name, str, str]] = []  # table, name, definition; created so far
        self.dropped_indexes: set[tuple[str, str]] = set()
        self.answers: dict[int, Any] = {}  # what two rules ask of one change, by its identity
        self._steps = 0
        self._volatile: dict[str, bool] = {}
        self._foreign: dict[str, bool] = {}

    def fork(self) -> World:
        """A copy that goes its own way (a down script)."""
        other = copy.copy(self)
        other.tables = {n: s.copy() for n, s in self.tables.items()}
        other.enums = {n: list(v) for n, v in self.enums.items()}
        other.new_enums, other.functions = set(self.new_enums), set(self.functions)
        other.extensions, other.path = set(self.extensions), list(self.path)
        other.indexes, other.dropped_indexes = list(self.indexes), set(self.dropped_indexes)
        return other

    def name_of(self, table: Node) -> Name:
        """What a RangeVar means: where the path has it, else where it would be created."""
        if table.schemaname:
            return Name(schema_=table.schemaname, name=table.relname)
        for schema in self.path:
            found = Name(schema_=schema, name=table.relname)
            if found in self.tables or (schema, table.relname) in self.today.views:
                return found
        return Name(schema_=self.path[0] if self.path else "", name=table.relname)

    def get(self, table: Node) -> State | None:
        """The table that a RangeVar means, if there is one now."""
        return self.tables.get(self.name_of(table))

    def schema_and_type(self, names: Iterable[str]) -> tuple[str, str] | None:
        """Which enum a type's name means."""
        words = list(names)
        schemas = [words[-2]] if len(words) > 1 else self.path
        return next(((s, words[-1]) for s in schemas if (s, words[-1]) in self.enums), None)

    def step(self, body: sql.Composable, needs: Iterable[Rows], *, once: bool = False) -> Rows:
        """A new query over these."""
        self._steps += 1
        return Rows(f"repot_step_{self._steps}", body, tuple(needs), once)

    def readable(self, node: Node, needs: list[Rows]) -> Node:
        """A copy of the user's expression that reads the tables as they are now; the queries that
        it needs are added to `needs`.

        Raises Unknown where it reads what cannot be known, or calls what may do something.
        """
        self.only_harmless(trees.function_names(node))

        def now(table: Node) -> str | None:
            state = self.get(table)
            if state is None:
                name = self.name_of(table)
                if table.schemaname in ("pg_catalog", "information_schema"):
                    return None
                raise Unknown(f"{name} is no table of today")
            if not state.known or state.rows is None or state.more:
                raise Unknown(f"the rows of {state.name} are not known")
            used = trees.column_names(node)
            whole = "*" in used or table.relname in used
            for column in state.columns.values():
                if not column.known and (whole or column.name in used):
                    raise Unknown(f"{state.name}.{column.name} is not known")
            needs.append(state.rows)
            return state.rows.name

        return trees.with_tables(node, now)

    def ask(self, main: sql.Composable, *states: State) -> list[tuple[Any, ...]]:
        """Ask about the rows of these tables as they are now. Raises Unknown."""
        about = str(states[0].name) if states else ""
        return self.reader.rows(question(main, *(s.rows for s in states)), about=about)

    def forget(self, state: State, columns: Iterable[str] | None = None) -> None:
        """Nothing is known of these columns any more, or of the whole table."""
        if columns is None:
            state.known = False
            return
        for name in columns:
            if name in state.columns:
                state.columns[name].known = False

    def forget_all(self) -> None:
        """After a statement that may have done anything to any row."""
        for state in self.tables.values():
            state.known = False
            state.copied = True
            for column in state.columns.values():
                column.copied = True

    def children(self, name: Name) -> list[tuple[State, Any]]:
        """Tables with a foreign key to this one, and that key."""
        return [
            (state, key)
            for state in self.tables.values()
            for key in state.foreign_keys
            if key.references == name
        ]

    def has_function(self, name: str) -> bool:
        """Whether the database has a function of that name."""
        return bool(self.reader.rows(load("functions.sql"), {"names": [name]}))

    def only_harmless(self, names: set[str], *, sure: bool = False) -> None:
        """Raises Unknown where a function may do something; `sure`: or is not PostgreSQL's own."""
        if names & self.functions:
            raise Unknown("it calls a function that the pending files create")
        unknown = sorted(names - set(self._volatile))
        if unknown:
            rows = self.reader.rows(load("functions.sql"), {"names": unknown})
            for name in unknown:
                these = [(s, v, lang) for n, s, v, lang in rows if n == name]
                self._foreign[name] = any(s != "pg_catalog" for s, _, _ in these)
                self._volatile[name] = name not in _HARMLESS and any(
                    v == "v" and (s == "pg_catalog" or lang not in ("sql", "plpgsql"))
                    for s, v, lang in these
                )
        bad = [n for n in sorted(names) if self._volatile[n] or (sure and self._foreign[n])]
        if bad:
            raise Unknown(f"it calls {', '.join(bad)}, which may do something")


def _state(table: Table) -> State:
    columns = {
        c.name: Column(
            c.name,
            c.type,
            not_null=c.not_null,
            default=c.default,
            generated=c.generated,
        )
        for c in table.columns
    }
    events: set[str] = set()
    for trigger in table.triggers:
        if trigger.enabled != "D":
            words = trigger.definition.lower().split(" on ")[0]
            events |= {e for e in ("insert", "update", "delete", "truncate") if e in words}
    return State(
        table.name,
        columns,
        first_rows(table),
        today=table,
        foreign_keys=list(table.foreign_keys),
        checks=list(table.checks),
        events=events,
        key=table.primary,
    )
