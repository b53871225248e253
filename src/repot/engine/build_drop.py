"""Taking a build away again, so that a run may begin anew."""

from __future__ import annotations

from psycopg import sql

from repot.engine import capture, drift, quarantine, wal
from repot.engine.session import Session
from repot.engine.sql import load
from repot.model.errors import Refused
from repot.model.names import quoted
from repot.model.plan import Plan
from repot.model.schemas import ALL, QUARANTINE, REGISTRY
from repot.model.state import Phase, Run
from repot.moves.install import VIEW_SCHEMAS
from repot.postgres.compose import ident
from repot.postgres.connect import Connection
from repot.postgres.retry import with_lock_retries
from repot.postgres.state import record_event, set_phase


def drop_build(session: Session) -> Run:
    """Remove V2, Repot's views, registries and capture; the run is `planned` again.

    Of V1 only what capture put there is touched. Only what the run built is dropped: Refused
    `target-has-other-tables` if the target schema holds a table that it did not make,
    `target-in-use` if objects elsewhere hang on V2, `wrong-phase` once V2 serves (or served and V1
    is gone), `lock-timeout`.
    """
    plan = session.plan
    conn = session.connect("repot build")
    try:
        run = with_lock_retries(
            conn,
            lambda _attempt: _drop(conn, session),
            lock_timeout_ms=plan.cutover.lock_timeout_ms,
            retries=plan.cutover.retries,
            what="V2's tables and V1's capture triggers",
        )
        wal.drop(conn, run.id)  # after the gates; cannot be part of a transaction
        return run
    finally:
        conn.close()


def _drop(conn: Connection, session: Session) -> Run:
    plan, run = session.plan, session.run
    row = conn.execute("select phase from repot.run where id = %s for update", (run.id,)).fetchone()
    phase = Phase(str(row[0])) if row else run.phase
    if phase is Phase.PLANNED:
        return run
    if phase not in (Phase.COPYING, Phase.COPIED, Phase.ROLLED_BACK):
        raise Refused(
            "wrong-phase",
            f"run {run.id} is {phase.value.replace('_', ' ')}: V2 is not dropped",
            hint="`repot rollback` goes back to V1 first",
        )
    dropped = _check_tables(conn, plan, run.id)
    _refuse_outsiders(conn, plan)
    drift.unwatch(conn, run.id)
    for direction in (capture.FORWARD, capture.BACK):
        capture.remove(conn, run.id, direction)
    for schema in VIEW_SCHEMAS:
        _drop_schema(conn, schema)
    _drop_schema(conn, plan.target_schema)
    _drop_schema(conn, REGISTRY)
    for rule in plan.leave.rows:
        # Not the schema: it may hold rows of V2 that a rollback could not carry back.
        kept = quarantine.table_of(plan, rule)
        conn.execute(sql.SQL("drop table if exists {}").format(ident(kept)))
    if not _holds_tables(conn, QUARANTINE):
        _drop_schema(conn, QUARANTINE)
    for table in ("chunk", "deferred", "relation", "capture", "restore"):
        conn.execute(
            sql.SQL("delete from repot.{} where run = %s").format(sql.Identifier(table)), (run.id,)
        )
    record_event(conn, run.id, "copy", "dropped", {"tables": dropped, "phase": phase.value})
    return set_phase(conn, run, Phase.PLANNED)


def _check_tables(conn: Connection, plan: Plan, run: int) -> list[str]:
    """The tables in the target schema, all of which must be those that the run made."""
    rows = conn.execute(
        "select c.relname, c.oid in (select r.oid from repot.relation r"
        " where r.run = %s and r.side = 'v2')"
        " from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace"
        " where n.nspname = %s and c.relkind in ('r', 'p') order by 1",
        (run, plan.target_schema),
    ).fetchall()
    others = [str(name) for name, ours in rows if not ours]
    if others:
        raise Refused(
            "target-has-other-tables",
            f"{quoted(plan.target_schema)} holds tables that run {run} did not make",
            evidence=", ".join(others[:10]),
            hint="move them to another schema (ALTER TABLE … SET SCHEMA) or drop them yourself",
        )
    return [str(name) for name, _ in rows]


def _refuse_outsiders(conn: Connection, plan: Plan) -> None:
    rows = conn.execute(
        load("build_outsiders.sql").encode(), {"target": plan.target_schema, "ours": list(ALL)}
    ).fetchall()
    if rows:
        raise Refused(
            "target-in-use",
            f"{len(rows)} objects outside {quoted(plan.target_schema)} hang on V2",
            evidence="; ".join(str(r[0]) for r in rows[:5]),
            hint="drop them first: they would go with it",
        )


def _holds_tables(conn: Connection, schema: str) -> bool:
    row = conn.execute(
        "select exists (select from pg_catalog.pg_class c join pg_catalog.pg_namespace n"
        " on n.oid = c.relnamespace where n.nspname = %s and c.relkind in ('r', 'p'))",
        (schema,),
    ).fetchone()
    return bool(row and row[0])


def _drop_schema(conn: Connection, schema: str) -> None:
    conn.execute(sql.SQL("drop schema if exists {} cascade").format(sql.Identifier(schema)))
