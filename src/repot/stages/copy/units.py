"""Cutting a table's rows into units by ranges of a key column.

The bounds only decide how even the units are, never which rows are copied: the first unit has no
lower bound (and takes the NULLs), the last no upper one, and each begins where the one before ends.
So a sample is enough to choose them.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import psycopg
from psycopg import sql

from repot.engine.paths import search_path
from repot.engine.session import Session
from repot.model.names import Name
from repot.model.plan import Derivation, Plan, Role
from repot.postgres.compose import ident, joined, trusted
from repot.postgres.connect import Connection
from repot.postgres.relations import now
from repot.stages.copy.chunk import paths
from repot.stages.copy.fill import Fill, Unit
from repot.stages.copy.sql import load

UNIT_ROWS = 10_000  # not smaller: a statement has its price
MOST_UNITS = 256
SAMPLE_ROWS = 30_000
ENOUGH = 8  # a key column with fewer different bounds than this gives way to the next one


def plan_units(session: Session, conn: Connection, move: Derivation) -> Fill:
    """The move's units, as an earlier copy wrote them down or cut now and committed at once."""
    plan, run = session.plan, session.run.id
    words = {"run": run, "move": move.name}
    with conn.transaction():
        # A client that was killed may still be planning the same table.
        conn.execute(
            "select pg_catalog.pg_advisory_xact_lock("
            "pg_catalog.hashtextextended('repot.chunk.' || %s || '.' || %s, 0))",
            (run, move.name),
        )
        estimate = estimate_rows(conn, plan, run, move)
        rows = conn.execute(load("copy_units.sql").encode(), words).fetchall()
        if not rows:
            column, bounds = _cut(session, conn, move, estimate)
            _write(conn, run, move.name, column, bounds)
            rows = conn.execute(load("copy_units.sql").encode(), words).fetchall()
    units = {int(str(n)): Unit(int(str(n)), _text(lo), _text(hi)) for n, _, lo, hi, _ in rows}
    column = _text(rows[0][1])
    return Fill(
        move=move,
        column=column,
        type=column and _type(conn, move.view, column)[0],
        units=units,
        open={int(str(n)) for n, *_, done in rows if not done},
        estimate=estimate,
    )


def still_open(session: Session, conn: Connection, move: str, numbers: Sequence[int]) -> set[int]:
    """Those of the units that are not done."""
    rows = conn.execute(
        "select number from repot.chunk where run = %s and move = %s and number = any (%s)"
        " and done_at is null",
        (session.run.id, move, list(numbers)),
    ).fetchall()
    return {int(str(r[0])) for r in rows}


def weight(plan: Plan, move: Derivation) -> float:
    """How large the table is, by V1's size when it was planned: to begin with the largest."""
    tables = [plan.source.get(u.source) for u in move.uses if u.role is not Role.FILTER]
    return float(max((t.estimate for t in tables if t is not None), default=0))


def estimate_rows(conn: Connection, plan: Plan, run: int, move: Derivation) -> float:
    """The planner's estimate for the view, or for its driving tables if that is greater.

    The planner knows the size of a table, but little of joins and conditions; cutting too finely
    costs less than one endless statement.
    """
    driving = {u.source for u in move.uses if u.role is Role.DRIVING}
    views = [move.view, *(_current(conn, plan, run, source) for source in driving)]
    with search_path(conn, *paths(plan)):
        guesses = [_planned_rows(conn, view) for view in views]
    return max(guesses[0], sum(guesses[1:]))


def _planned_rows(conn: Connection, relation: Name) -> float:
    row = conn.execute(
        sql.SQL("explain (format json) select 1 from {}").format(ident(relation))
    ).fetchone()
    assert row is not None
    answer: list[dict[str, dict[str, float]]] = row[0]  # type: ignore[assignment]
    return float(answer[0]["Plan"]["Plan Rows"])


def _cut(
    session: Session, conn: Connection, move: Derivation, estimate: float
) -> tuple[str | None, list[str]]:
    """The column and the bounds between units; no column where one unit is enough."""
    count = min(MOST_UNITS, int(estimate / UNIT_ROWS))
    best: tuple[str | None, list[str]] = (None, [])
    if count < 2:
        return best
    for column in move.key:
        bounds = _bounds(session, conn, move, column, count, estimate)
        if len(bounds) > len(best[1]):
            best = column, bounds
        if len(bounds) >= min(ENOUGH, count - 1):
            break
    return best


def _bounds(
    session: Session, conn: Connection, move: Derivation, column: str, count: int, estimate: float
) -> list[str]:
    """Up to count - 1 values of the column that cut its rows into about equal parts, in order."""
    type_, collate = _type(conn, move.view, column)
    query = trusted(load("copy_bounds.sql"))
    whole = sql.SQL("select v.{} from {} v where pg_catalog.random() < {}").format(
        sql.Identifier(column), ident(move.view), sql.Literal(_share(estimate))
    )
    for source in (_sample(session, conn, move, column, trusted(type_), estimate), whole):
        if source is None:
            continue
        try:
            with conn.transaction(), search_path(conn, *paths(session.plan)):
                rows = conn.execute(
                    query.format(count=sql.Literal(count), source=source, collate=collate)
                ).fetchall()
        except psycopg.OperationalError:
            raise
        except psycopg.Error:
            continue  # no table (no TABLESAMPLE), or a type without an order (json, point)
        if rows:
            return [str(r[0]) for r in rows]
    return []


def _sample(
    session: Session,
    conn: Connection,
    move: Derivation,
    column: str,
    type_: sql.SQL,
    estimate: float,
) -> sql.Composable | None:
    """Some pages of the tables that the column is a bare copy of; None where it is computed."""
    output = next((o for o in move.outputs if o.name == column), None)
    if output is None or not output.direct or None in output.direct:
        return None
    parts = []
    for origin in output.direct:
        assert origin is not None
        table, source_column = origin
        parts.append(
            sql.SQL("select t.{}::{} from {} t tablesample system ({})").format(
                sql.Identifier(source_column),
                type_,
                ident(_current(conn, session.plan, session.run.id, table)),
                sql.Literal(100 * _share(estimate)),
            )
        )
    return joined(parts, " union all ")


def _share(estimate: float) -> float:
    return min(1.0, SAMPLE_ROWS / max(estimate, 1.0))


def _write(
    conn: Connection, run: int, move: str, column: str | None, bounds: Sequence[str]
) -> None:
    edges: list[str | None] = [None, *bounds, None]
    with conn.cursor() as cursor:
        cursor.executemany(
            'insert into repot.chunk (run, move, number, "column", lo, hi)'
            " values (%s, %s, %s, %s, %s, %s)",
            [
                (run, move, number, column, lo, hi)
                for number, (lo, hi) in enumerate(pairwise(edges), 1)
            ],
        )


def _current(conn: Connection, plan: Plan, run: int, planned: Name) -> Name:
    """V1's tables may have moved; registries, which a move may read as well, never do."""
    return now(conn, run, planned) if plan.source.get(planned) else planned


def _type(conn: Connection, view: Name, column: str) -> tuple[str, sql.Composable]:
    """The column's type, and the COLLATE clause for its values (nothing where it has none)."""
    row = conn.execute(
        load("copy_column_type.sql").encode(),
        {"schema": view.schema_, "view": view.name, "column": column},
    ).fetchone()
    assert row is not None
    if row[2] is None:
        return str(row[0]), sql.SQL("")
    return str(row[0]), sql.SQL(" collate {}").format(sql.Identifier(str(row[1]), str(row[2])))


def _text(value: object) -> str | None:
    return None if value is None else str(value)
