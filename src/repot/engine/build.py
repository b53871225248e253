"""Building V2 beside V1: one transaction, after which capture is armed and V2 stands empty.

Whatever fails, and whenever, nothing of it is left.
"""

from __future__ import annotations

import psycopg

from repot.engine import capture, deferred, drift, registry, wal
from repot.engine.build_drop import drop_build
from repot.engine.build_rights import Rights, copy_rights, explain, fresh_acls
from repot.engine.session import Session
from repot.engine.sql import load
from repot.model.errors import Refused, RepotError
from repot.model.names import Name, quoted
from repot.model.plan import Plan
from repot.model.schemas import QUARANTINE, REGISTRY
from repot.model.state import Phase, Run
from repot.moves.install import (
    VIEW_SCHEMAS,
    create_registry_tables,
    create_schemas,
    create_views,
    run_target,
)
from repot.moves.sqlerrors import from_server
from repot.postgres import relations
from repot.postgres.connect import Connection
from repot.postgres.retry import with_lock_retries
from repot.postgres.state import record_event, set_phase

__all__ = ["begin_reading", "build", "drop_build"]


def build(session: Session) -> Run:
    """Create V2, the registries and all views, arm capture on V1, and give the run, now `copying`.

    Where tables are captured from the WAL, the transactions that are open now are waited for, once
    V2 is there: see `begin_reading`. A run that is past `planned` is given back as it is. V1's
    tables are locked against writes at the end, for the instant that their triggers take, and
    waited for in short, repeated tries.

    Raises Refused `target-not-empty`, `schemas-in-use`, `target-unlogged`, `target-has-rules`,
    `lock-timeout`, and what `begin_reading` raises; RepotError `target-failed`, `target-differs`,
    `source-table-gone`, `build-failed`.
    """
    plan = session.plan
    session.progress.start("build", "Building V2", None, "tables")
    conn = session.connect("repot build")
    notes: list[str] = []
    if session.run.phase is Phase.PLANNED:
        wal.drop(conn, session.run.id)  # what an earlier build may have left

    def body(_attempt: int) -> Run:
        notes.clear()
        return _build(conn, session, notes)

    try:
        run = with_lock_retries(
            conn,
            body,
            lock_timeout_ms=plan.cutover.lock_timeout_ms,
            retries=plan.cutover.retries,
            what="V1's tables, for the triggers that capture writes,",
        )
    except psycopg.OperationalError:
        raise
    except psycopg.Error as failed:
        raise RepotError(
            "build-failed",
            f"V2 could not be built: {failed.diag.message_primary or str(failed).strip()}",
            evidence=failed.diag.context or "",
            hint="V1 may have changed since it was planned: `repot plan` says what no longer fits",
        ) from None
    finally:
        conn.close()
    begin_reading(session)
    for note in notes:
        session.progress.say(note)
    session.progress.finish("build")
    return run


def begin_reading(session: Session) -> None:
    """From here on the WAL keeps all changes of the tables that are captured from it. Committed
    before the first snapshot of the copy (trap 1); may be called again after a crash.

    Raises what `wal.create` raises.
    """
    with session.connect("repot build") as conn:
        captured = wal.sources(conn, session.run.id, session.plan)
        wal.create(conn, session.run.id, session.plan, captured)


def _build(conn: Connection, session: Session, notes: list[str]) -> Run:
    plan, run = session.plan, session.run
    now = _phase(conn, run)
    if now.phase is not Phase.PLANNED:
        return now
    _refuse_occupied(conn, plan)
    sources = _sources(conn, plan)
    create_schemas(conn, (plan.target_schema, REGISTRY, QUARANTINE))
    fresh = fresh_acls(conn, plan.target_schema)
    _run_target(conn, plan)
    tables = _check_made(conn, plan)
    rights = copy_rights(conn, plan, fresh)
    notes += explain(rights, plan)
    registry.install_functions(conn)
    create_registry_tables(conn, plan)
    create_views(conn, plan)
    for name, oid in tables.items():
        relations.remember(conn, run.id, "v2", name, oid)
    for name, oid in sources.items():
        side = "v1" if name.schema_ == plan.source_schema else "outside"
        relations.remember(conn, run.id, side, name, oid)
    # From here on tables outside V2 are locked: those that its foreign keys point to, then V1's.
    stayed = deferred.take_off(conn, run.id, tables.values())
    capture.install(conn, run.id, plan)
    if from_wal := wal.sources(conn, run.id, plan):
        wal.refuse(conn, from_wal)
    drift.watch(conn, run.id)
    record_event(conn, run.id, "copy", "built", _detail(tables, rights, stayed))
    return set_phase(conn, run, Phase.COPYING)


def _phase(conn: Connection, run: Run) -> Run:
    """The run as it is, locked: two builds at once would both find nothing."""
    row = conn.execute(
        "select phase, updated_at from repot.run where id = %s for update", (run.id,)
    ).fetchone()
    if row is None:
        raise RepotError("run-gone", f"run {run.id} is not in this database any more")
    return run.model_copy(update={"phase": Phase(str(row[0])), "updated_at": row[1]})


def _refuse_occupied(conn: Connection, plan: Plan) -> None:
    """Nothing that this run did not make is ever built upon, or dropped."""
    schemas = [plan.target_schema, *VIEW_SCHEMAS]
    found = conn.execute(load("build_occupied.sql").encode(), {"schemas": schemas}).fetchall()
    names = [f"{kind} {Name(schema_=str(s), name=str(n))}" for s, kind, n in found]
    evidence = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    if any(s == plan.target_schema for s, _, _ in found):
        raise Refused(
            "target-not-empty",
            f"the schema {quoted(plan.target_schema)} holds {len(names)} objects "
            "that this run did not make",
            evidence=evidence,
            hint="give target.schema another name, or look at what is in it and drop it yourself",
        )
    if found:
        raise Refused(
            "schemas-in-use",
            "another move works in this database: Repot's own schemas are not empty",
            evidence=evidence,
            hint="`repot status` shows it; end it with `repot cleanup`",
        )


def _run_target(conn: Connection, plan: Plan) -> None:
    try:
        run_target(conn, plan.target_schema, plan.target_sql, plan.source_schema)
    except psycopg.OperationalError:
        raise  # a lock that was not had, or a connection that is gone: not the file's fault
    except psycopg.Error as failed:
        found = from_server(plan.target_sql, failed)
        raise RepotError(
            "target-failed",
            f"{found.file}, line {found.line}: {found.message}",
            hint=found.hint or "`repot plan` tries the file without changing anything",
        ) from None


def _check_made(conn: Connection, plan: Plan) -> dict[Name, int]:
    """The tables that target.sql made: those of the plan, and such as can be filled."""
    rows = conn.execute(load("build_made.sql").encode(), {"target": plan.target_schema}).fetchall()
    made = {
        Name(schema_=plan.target_schema, name=str(name)): int(str(oid)) for oid, name, *_ in rows
    }
    planned = {t.name for t in plan.target.tables}
    foreign = {str(name) for _, name, kind, *_ in rows if kind == "f"}
    differing = {n for n in made if n.name not in foreign} ^ planned
    if differing:
        raise RepotError(
            "target-differs",
            "target.sql makes other tables than when it was planned",
            evidence=", ".join(sorted(str(n) for n in differing)),
            hint="begin again with `repot copy --restart`",
        )
    unlogged = [str(name) for _, name, _, is_unlogged, _ in rows if is_unlogged]
    if unlogged:
        raise Refused(
            "target-unlogged",
            f"UNLOGGED in target.sql: {', '.join(map(quoted, unlogged))}",
            hint="a crash empties such tables while the copy is noted as done; "
            "take the word out (and ALTER TABLE … SET UNLOGGED after the cutover)",
        )
    ruled = [str(name) for _, name, _, _, has_rules in rows if has_rules]
    if ruled:
        raise Refused(
            "target-has-rules",
            f"rules (CREATE RULE) on {', '.join(map(quoted, ruled))}",
            hint="rules rewrite what the copy writes; make them triggers, which sleep until "
            "the cutover",
        )
    return {n: oid for n, oid in made.items() if n.name not in foreign}


def _sources(conn: Connection, plan: Plan) -> dict[Name, int]:
    """V1's tables and the outside ones, as they are now."""
    found = {}
    for table in plan.source.tables:
        oid = relations.oid_of(conn, table.name)
        if oid is None:
            raise RepotError(
                "source-table-gone",
                f"{table.name} is not there any more",
                hint="V1 has changed since it was planned: begin again with `repot copy --restart`",
            )
        found[table.name] = oid
    return found


def _detail(tables: dict[Name, int], rights: Rights, stayed: tuple[str, ...]) -> dict[str, object]:
    return {
        "tables": sorted(n.name for n in tables),
        "owners": rights.owners,
        "owners_not_given": sorted(rights.not_given),
        "without_grants": rights.ungranted,
        "not_deferred": list(stayed),
    }
