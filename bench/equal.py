"""Whether both sides hold the same, asked in SQL of its own: nothing here is Repot's comparison.

A view and its table are held against each other as bags of rows, all columns as text, with EXCEPT
ALL in both directions: a row too many, too few, twice, or with any value that reads differently
counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from psycopg import sql

from repot.model.names import Name
from repot.model.plan import Derivation, Plan
from repot.model.results import Trip
from repot.postgres.compose import ident
from repot.postgres.connect import Connection
from repot.postgres.relations import now

_ALL = sql.SQL("true")
_MEMORY = "256MB"  # for sorting the rows of a table


@dataclass
class Equal:
    """What was found; `differences` and `duplicates` are empty if both sides are equal."""

    compared: int = 0  # rows of tables that were held against a view
    differences: list[str] = field(default_factory=list)
    duplicates: list[str] = field(default_factory=list)

    def differ(
        self, conn: Connection, words: str, one: sql.Composable, other: sql.Composable
    ) -> None:
        """Rows of `one` that `other` has not, and one of them."""
        row = conn.execute(
            sql.SQL("select count(*), min(r::text) from ({} except all {}) r").format(one, other)
        ).fetchone()
        assert row is not None
        if row[0]:
            self.differences.append(f"{words}: {row[0]}, {row[1]}")


def both_sides(conn: Connection, run_id: int, plan: Plan) -> Equal:
    """V2 against the moves' views, whichever side serves. Rows at rest: nobody may write."""
    found = Equal()
    with _snapshot(conn):
        for move in plan.moves:
            table = now(conn, run_id, move.table)
            found.compared += _count(conn, table)
            rows = _rows(table, move.columns), _rows(move.view, move.columns)
            found.differ(conn, f"{move.name}: in V2, not in its view", *rows)
            found.differ(conn, f"{move.name}: in the view, not in V2", *reversed(rows))
            found.duplicates += _twice(conn, move, table)
    return found


def v1_again(conn: Connection, run_id: int, plan: Plan, trips: Sequence[Trip]) -> Equal:
    """V1 against the ways back, as far as these are exact, while V1 serves and nobody writes.

    A way back that is compiled over V2 and over the moves' views must give the same rows; and each
    row of V1 that is not left out on purpose must be given by it, in its key and in all columns
    that `trips` calls carried (others V1 keeps as they were: V2 knows them with less detail). The
    other direction would be wrong: V2 has a user for each account, V1 a profile for some.
    """
    found = Equal()
    carried = {(t.table, t.column) for t in trips if t.verdict == "carried"}
    with _snapshot(conn):
        for back in plan.backs:
            table = now(conn, run_id, back.table)
            if back.loop is not None:
                rows = _rows(back.view, back.columns), _rows(back.loop, back.columns)
                found.differ(conn, f"{back.name}: back from V2, not from the moves", *rows)
                found.differ(
                    conn, f"{back.name}: back from the moves, not from V2", *reversed(rows)
                )
            exact = [c for c in back.columns if c in back.key or (back.name, c) in carried]
            kept = _rows(table, exact, _not_left(plan, back.name))
            conn.execute("select set_config('search_path', %s, true)", (table.schema_,))
            found.differ(
                conn, f"{back.name}: in V1, not back from V2", kept, _rows(back.view, exact)
            )
            conn.execute("select set_config('search_path', '', true)")
            found.compared += _count(conn, table)
            found.duplicates += _twice(conn, back, table)
    return found


@contextmanager
def _snapshot(conn: Connection) -> Iterator[None]:
    with conn.transaction():
        conn.execute("set transaction isolation level repeatable read, read only")
        conn.execute("select set_config('work_mem', %s, true)", (_MEMORY,))
        yield


def _rows(name: Name, columns: Sequence[str], where: sql.Composable = _ALL) -> sql.Composed:
    texts = sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(c)) for c in columns)
    return sql.SQL("(select {} from {} where {})").format(texts, ident(name), where)


def _not_left(plan: Plan, table: str) -> sql.Composable:
    """Bare names in it are V1's."""
    rules = [rule.where for rule in plan.leave.rows if rule.table == table]
    if not rules:
        return _ALL
    left = sql.SQL(" or ").join(sql.SQL("({})").format(sql.SQL(rule)) for rule in rules)
    return sql.SQL("({}) is not true").format(left)


def _count(conn: Connection, table: Name) -> int:
    row = conn.execute(sql.SQL("select count(*) from {}").format(ident(table))).fetchone()
    return int(str(row[0])) if row else 0


def _twice(conn: Connection, derivation: Derivation, table: Name) -> list[str]:
    """Rows of the table and of its view beyond the first of a key."""
    key = sql.SQL(", ").join(map(sql.Identifier, derivation.key))
    found = []
    for name in (table, derivation.view):
        row = conn.execute(
            sql.SQL("select count(*) - count(distinct row({})) from {}").format(key, ident(name))
        ).fetchone()
        if row and row[0]:
            found.append(f"{name}: {row[0]} rows have a key of another")
    return found
