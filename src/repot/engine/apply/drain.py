"""One batch of captured changes, in one transaction."""

from __future__ import annotations

import psycopg
from psycopg import sql

from repot.engine.apply.changes import TEMP, Taken, Touched, among, take, touched
from repot.engine.apply.keep import kept_values
from repot.engine.apply.order import parents_first
from repot.engine.apply.remember import remember
from repot.engine.apply.write import (
    Work,
    delete,
    forward_columns,
    insert,
    referring,
    same_key,
    update,
)
from repot.engine.capture import BACK, FORWARD
from repot.engine.registry import allocate
from repot.model.errors import RepotError
from repot.model.names import Name
from repot.model.plan import Plan
from repot.model.results import DrainResult
from repot.postgres.compose import ident, idents
from repot.postgres.connect import Connection
from repot.postgres.relations import now


def drain(conn: Connection, run_id: int, plan: Plan, direction: str = FORWARD) -> DrainResult:
    """Apply all changes that are logged now; in the caller's transaction or in one of its own.

    forward: V2 follows V1. back: V1 follows V2, and keeps its own value in every column that V2 did
    not change (a way back may lose detail; the loop view tells what V2 remembers of each V1 row).
    Run it READ COMMITTED: the rows are derived with a later snapshot than the one that took the
    keys, so a change whose transaction was still open then is either seen or still logged.

    Raises RepotError `apply-failed`, with the log untouched.
    """
    with conn.transaction():
        # A key belongs to one applier at a time (trap 16); the lock goes with the transaction.
        conn.execute(
            "select pg_advisory_xact_lock(hashtextextended('repot.apply.' || %s, %s))",
            (direction, run_id),
        )
        taken = take(conn, run_id, direction)
        if not taken:
            return DrainResult(changes=0, keys=0, written=0)
        try:
            return _apply(conn, run_id, plan, direction, taken)
        except psycopg.OperationalError:
            raise
        except psycopg.Error as failed:
            raise RepotError(
                "apply-failed",
                f"captured changes could not be applied: {failed.diag.message_primary or failed}",
                evidence=failed.diag.message_detail or "",
                hint="the changes stay in the log; mend the row and try again",
            ) from failed


def _apply(
    conn: Connection, run_id: int, plan: Plan, direction: str, taken: dict[Name, Taken]
) -> DrainResult:
    if direction == BACK:
        derivations, catalog = plan.backs, plan.source
        remember(conn, run_id, plan, taken)
    else:
        derivations, catalog = plan.moves, plan.target
        _allocate(conn, plan, taken)
    works: list[Work] = []
    keys = 0
    for number, derivation in enumerate(parents_first(derivations, catalog)):
        scope = touched(conn, derivation, number, taken)
        if scope is None or not (scope.count or scope.all):
            continue
        keys += scope.count
        description = catalog.get(derivation.table)
        assert description is not None
        work = Work(
            derivation,
            description,
            now(conn, run_id, derivation.table),
            Name(schema_=TEMP, name=f"repot_wanted_{number}"),
            Name(schema_=TEMP, name=f"repot_doomed_{number}"),
            derivation.columns if direction == BACK else forward_columns(derivation, description),
        )
        # All wanted rows are worked out before any is written: the views of the way back read V1.
        _work_out(conn, work, scope, direction)
        works.append(work)
    written: dict[str, int] = {}
    # A doomed row goes first, so that its unique values are free, unless a row that stays still
    # refers to it: that one must be updated before.
    for work in reversed(works):
        _count(written, work, delete(conn, work, unless=referring(work, works)))
    for work in works:
        _count(written, work, update(conn, work) + insert(conn, work))
    for work in reversed(works):
        _count(written, work, delete(conn, work))
    changes = sum(t.rows for t in taken.values())
    return DrainResult(changes=changes, keys=keys, written=sum(written.values()), tables=written)


def _count(written: dict[str, int], work: Work, rows: int) -> None:
    if rows:
        name = work.derivation.name
        written[name] = written.get(name, 0) + rows


def _allocate(conn: Connection, plan: Plan, taken: dict[Name, Taken]) -> None:
    """Values for keys that are new, before any view that joins them is asked."""
    for number, registry in enumerate(plan.registries):
        scope = touched(conn, registry, 1000 + number, taken)
        if scope is None:
            continue
        keys = None
        if not scope.all:
            keys = sql.SQL("select {} from {}").format(idents(scope.columns), ident(scope.table))
        allocate(conn, registry, keys, path=(plan.source_schema,))


def _work_out(conn: Connection, work: Work, scope: Touched, direction: str) -> None:
    """The temporary tables `wanted` and `doomed` of one derivation."""
    d = work.derivation
    _create(conn, work.wanted, _within(conn, work, d.view, scope))
    if direction == FORWARD:
        _create(conn, work.doomed, _gone(conn, work, scope))
        return
    assert d.loop is not None
    remembered = Name(schema_=TEMP, name=work.wanted.name + "_loop")
    _create(conn, remembered, _within(conn, work, d.loop, scope))
    # What V2 remembered and no longer gives was deleted there; rows that it never held stay.
    _create(
        conn,
        work.doomed,
        sql.SQL(
            "select {key} from {loop} as l"
            " where not exists (select from {wanted} as w where {same})"
        ).format(
            key=idents(d.key, "l"),
            loop=ident(remembered),
            wanted=ident(work.wanted),
            same=same_key(d, "w", "l"),
        ),
    )
    kept_values(conn, work, remembered)


def _within(conn: Connection, work: Work, view: Name, scope: Touched) -> sql.Composed:
    """The view's rows in the touched scopes."""
    columns = idents(dict.fromkeys([*work.derivation.key, *work.columns]), "v")
    everything = sql.SQL("select {} from {} as v").format(columns, ident(view))
    if scope.all:
        return everything
    condition = among(conn, scope.table, scope.columns, scope.columns, "v")
    return everything + sql.SQL(" where ") + (condition or sql.SQL("false"))


def _gone(conn: Connection, work: Work, scope: Touched) -> sql.Composed:
    """Keys of the table's rows in the touched scopes that the view does not give any more."""
    d = work.derivation
    query = sql.SQL(
        "select {key} from {table} as t where not exists (select from {wanted} as w where {same})"
    ).format(
        key=idents(d.key, "t"),
        table=ident(work.table),
        wanted=ident(work.wanted),
        same=same_key(d, "w", "t"),
    )
    if scope.all:
        return query
    condition = among(conn, scope.table, scope.columns, scope.columns, "t")
    return query + sql.SQL(" and ") + (condition or sql.SQL("false"))


def _create(conn: Connection, table: Name, query: sql.Composable) -> None:
    conn.execute(
        sql.SQL("create temp table {} on commit drop as {}").format(
            sql.Identifier(table.name), query
        )
    )
    conn.execute(sql.SQL("analyze {}").format(ident(table)))
