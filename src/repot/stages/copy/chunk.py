"""One chunk: rows and checkpoint in one transaction."""

from __future__ import annotations

import time
from contextlib import nullcontext
from dataclasses import dataclass

import psycopg
from psycopg import sql

from repot.engine import registry
from repot.engine.paths import search_path
from repot.engine.session import Session
from repot.model.errors import RepotError
from repot.model.names import quoted
from repot.model.plan import Derivation, Plan
from repot.model.schemas import REGISTRY
from repot.postgres.compose import ident, idents, trusted
from repot.postgres.connect import Connection, one_snapshot
from repot.postgres.relations import now
from repot.stages.copy.fill import Fill, Run

_ATTEMPTS = 8


@dataclass(frozen=True)
class Copied:
    """`rows` is None where another session had done the run already."""

    rows: int | None
    seconds: float


def copy_run(session: Session, conn: Connection, fill: Fill, run: Run) -> Copied:
    """Insert the rows of a run and note it as done. Raises RepotError `copy-failed`."""
    for attempt in range(1, _ATTEMPTS + 1):
        first = attempt == 1
        try:
            with nullcontext() if first else one_snapshot(conn):
                return _copy_run(session, conn, fill, run, allocate=not first)
        except (psycopg.IntegrityError, psycopg.errors.SerializationFailure) as failed:
            # V1 may have got rows since the registries were filled: their values are NULL here.
            # Next time they get theirs in the snapshot that the rows are read in; where another
            # worker gave some meanwhile, the time after that.
            if attempt == _ATTEMPTS or not session.plan.registries:
                raise _failed(fill, run, failed) from None
        except psycopg.OperationalError:
            raise
        except psycopg.Error as failed:
            raise _failed(fill, run, failed) from None
    raise AssertionError("the last attempt returns or raises")


def _copy_run(
    session: Session, conn: Connection, fill: Fill, run: Run, *, allocate: bool = False
) -> Copied:
    started = time.monotonic()
    numbers = list(run.numbers)
    mine = {"run": session.run.id, "move": fill.name, "numbers": numbers, "first": run.first}
    with conn.transaction():
        # The server may still be at work for a client that was killed. Its transaction holds
        # these rows: wait for it, and look whether it was committed.
        free = conn.execute(
            "select number from repot.chunk where run = %(run)s and move = %(move)s"
            " and number = any (%(numbers)s) and done_at is null order by number for update",
            mine,
        ).fetchall()
        if len(free) < len(numbers):
            return Copied(None, time.monotonic() - started)
        if allocate:
            registry.allocate_all(conn, session.plan)
        with search_path(conn, *paths(session.plan)):
            rows = conn.execute(statement(session.plan, conn, session.run.id, fill, run)).rowcount
        conn.execute(
            "update repot.chunk set done_at = clock_timestamp(),"
            " rows = case number when %(first)s then %(rows)s else 0 end,"
            " ms = case number when %(first)s then %(ms)s end"
            " where run = %(run)s and move = %(move)s and number = any (%(numbers)s)",
            mine | {"rows": rows, "ms": round((time.monotonic() - started) * 1000)},
        )
    return Copied(rows, time.monotonic() - started)


def paths(plan: Plan) -> tuple[str, ...]:
    """Where functions that the moves call find bare names, as when the moves were compiled; and
    those of V2's defaults and checks."""
    return (plan.source_schema, REGISTRY, plan.target_schema)


def statement(plan: Plan, conn: Connection, run_id: int, fill: Fill, run: Run) -> sql.Composed:
    """INSERT … SELECT of the run."""
    move = fill.move
    return sql.SQL("insert into {} ({}) {}select {} from {} v{}").format(
        ident(now(conn, run_id, move.table)),
        idents(move.columns),
        sql.SQL("overriding system value " if _always(plan, move) else ""),
        idents(move.columns, "v"),
        ident(move.view),
        condition(fill.column, fill.type, run),
    )


def condition(column: str | None, type_: str | None, run: Run) -> sql.Composable:
    """The WHERE clause of the run; nothing where it is the whole view."""
    if column is None or (run.lo is None and run.hi is None):
        return sql.SQL("")
    name, cast = sql.Identifier("v", column), trusted(type_ or "text")
    lo = sql.SQL("{} >= {}::{}").format(name, sql.Literal(run.lo), cast)
    hi = sql.SQL("{} < {}::{}").format(name, sql.Literal(run.hi), cast)
    if run.lo is None:
        return sql.SQL(" where ({} or {} is null)").format(hi, name)
    if run.hi is None:
        return sql.SQL(" where {}").format(lo)
    return sql.SQL(" where {} and {}").format(lo, hi)


def _always(plan: Plan, move: Derivation) -> bool:
    """Whether the move gives a column that is GENERATED ALWAYS AS IDENTITY."""
    table = plan.target.get(move.table)
    return table is not None and any(
        c.identity == "a" for c in table.columns if c.name in move.columns
    )


def _failed(fill: Fill, run: Run, failed: psycopg.Error) -> RepotError:
    diagnosis = failed.diag
    where = "all rows"
    if fill.column is not None and (run.lo, run.hi) != (None, None):
        where = " and ".join(
            [f"{quoted(fill.column)} >= {run.lo!r}"] * (run.lo is not None)
            + [f"{quoted(fill.column)} < {run.hi!r}"] * (run.hi is not None)
        )
    return RepotError(
        "copy-failed",
        f"{fill.name} ({where}): {diagnosis.message_primary or str(failed).strip()}",
        # The server's detail would quote the whole row, passwords and all.
        evidence=f"SQLSTATE {failed.sqlstate}"
        + (f", constraint {diagnosis.constraint_name}" if diagnosis.constraint_name else "")
        + (f", column {diagnosis.column_name}" if diagnosis.column_name else ""),
        hint=f"`repot plan` counts such rows; correct {fill.move.sql.path} or V1's rows; what was "
        "copied stays, `repot copy` goes on (`--restart` if the project changed)",
    )
