"""Reading where a project stands, from the database alone: any machine sees the same."""

from __future__ import annotations

from typing import LiteralString

from repot.engine.lag import lag, slot_status
from repot.lifecycle.evidence import last_backup, last_change, last_verdict, proof_counts
from repot.lifecycle.gates import NEXT
from repot.model.state import Evidence, Phase, Run
from repot.model.status import Status, Step
from repot.postgres.connect import Connection, connection
from repot.postgres.state import all_evidence, current_run, has_state, load_plan

_ACTIVE = (Phase.COPYING, Phase.COPIED, Phase.CUT_OVER, Phase.ROLLED_BACK)


def read_status(dsn: str, project: str, project_digest: str | None = None) -> Status:
    """The status of `project` on the database; `project_digest` tells whether its files changed."""
    with connection(dsn, application="repot status") as conn:
        run = current_run(conn, project)
        busy = _busy(conn)
        if run is None:
            steps: tuple[Step, ...] = ()
            if has_state(conn):
                steps = tuple(_step(e) for e in all_evidence(conn, -1) if _step_wanted(e))
            return Status(
                project=project,
                run=None,
                phase=None,
                plan_digest=None,
                steps=steps,
                may=NEXT[None],
                obstacles={},
                pending={},
                busy=busy,
            )
        behind = None
        if run.phase in _ACTIVE:
            behind = lag(conn, run.id, "back" if run.phase is Phase.CUT_OVER else "forward")
        changes = behind.tables if behind else {}
        obstacles = _obstacles(conn, run, project_digest)
        return Status(
            project=project,
            run=run.id,
            phase=run.phase,
            plan_digest=run.plan_digest,
            steps=tuple(_step(e) for e in all_evidence(conn, run.id) if _step_wanted(e)),
            may=tuple(s for s in NEXT[run.phase] if s not in obstacles),
            obstacles=obstacles,
            pending=changes,
            lag=behind,
            slot=slot_status(conn, run.id),
            set_aside=_count(conn, "select count(*) from repot.poison where run = %s", run),
            uncarried=_uncarried(conn, run),
            uncarried_unforeseen=_count(
                conn, "select count(*) from repot.uncarried where run = %s and not foreseen", run
            ),
            conflicts=_count(conn, "select count(*) from repot.conflict where run = %s", run),
            busy=busy,
        )


def _uncarried(conn: Connection, run: Run) -> dict[str, int]:
    rows = conn.execute(
        "select name, count(*) from repot.uncarried where run = %s group by name order by name",
        (run.id,),
    ).fetchall()
    return {str(name): int(str(n)) for name, n in rows}


def _count(conn: Connection, query: LiteralString, run: Run) -> int:
    row = conn.execute(query, (run.id,)).fetchone()
    return int(str(row[0])) if row else 0


def _obstacles(
    conn: Connection, run: Run, project_digest: str | None
) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    if run.phase in (Phase.COPIED, Phase.ROLLED_BACK):
        why = proof_counts(last_verdict(conn, run), run, last_change(conn, run))
        if why:
            found.setdefault("cutover", []).append(why)
        if last_backup(conn) is None:
            found.setdefault("cutover", []).append("no tested backup: `repot backup`")
        bad = _count(
            conn, "select count(*) from repot.poison where run = %s and direction = 'forward'", run
        )
        if bad:
            found.setdefault("cutover", []).append(
                f"{bad} changes could not be applied to V2: mend them, then `repot follow --once`"
            )
    if project_digest and run.phase in (Phase.PLANNED, *_ACTIVE):
        plan = load_plan(conn, run)
        if plan.project_digest != project_digest:
            text = "the project's files changed since the run began: `repot copy --restart`"
            for stage in ("copy", "verify", "cutover"):
                if stage in NEXT[run.phase]:
                    found.setdefault(stage, []).append(text)
    return {stage: tuple(reasons) for stage, reasons in found.items()}


def _busy(conn: Connection) -> tuple[str, ...]:
    rows = conn.execute(
        "select pid, application_name, coalesce(state, '') from pg_catalog.pg_stat_activity"
        " where application_name like 'repot%' and datname = current_database()"
        " and pid <> pg_backend_pid() order by pid"
    ).fetchall()
    return tuple(f"pid {pid}: {name} ({state})" for pid, name, state in rows)


_KINDS = ("audit", "backup", "plan", "copy", "proof", "cutover", "rollback", "cleanup")


def _step_wanted(evidence: Evidence) -> bool:
    return evidence.kind in _KINDS


def _step(evidence: Evidence) -> Step:
    answer = evidence.answer
    passed = bool(answer.get("passed", True))
    return Step(stage=evidence.stage, at=evidence.at, what=_summary(evidence), good=passed)


def _summary(evidence: Evidence) -> str:
    a = evidence.answer
    match evidence.kind:
        case "proof":
            words = "passed" if a.get("passed") else "FAILED"
            rows = f"{int(str(a.get('rows_compared', 0))):,} rows compared"
            return f"{words}: {rows}, {a.get('differences')} differences"
        case "copy":
            return (
                f"{int(str(a.get('rows', 0))):,} rows in {int(str(a.get('ms', 0))) / 1000:,.1f} s"
            )
        case "backup":
            rows_of = a.get("restored")
            total = sum(int(str(n)) for n in rows_of.values()) if isinstance(rows_of, dict) else 0
            return f"{total:,} rows restored and counted"
        case "cutover" | "rollback":
            return f"pause {float(str(a.get('pause_ms', 0))):,.0f} ms"
        case _:
            return evidence.question.splitlines()[0][:80]
