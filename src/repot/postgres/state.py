"""Reading and writing the state of runs, in the target database itself."""

from __future__ import annotations

import json
from collections.abc import Mapping

from psycopg import sql
from psycopg.types.json import Jsonb

from repot.model.errors import Refused
from repot.model.plan import Plan
from repot.model.state import Evidence, Phase, Run
from repot.postgres.connect import Connection
from repot.postgres.sql import load
from repot.postgres.turn import take_turn

_RUN = "id, project, plan_digest, phase, created_at, updated_at"


def has_state(conn: Connection) -> bool:
    """Whether Repot's state is in this database."""
    row = conn.execute("select to_regclass('repot.run') is not null").fetchone()
    return bool(row and row[0])


def ensure_state(conn: Connection) -> None:
    """Create the schema `repot` where it is not there; takes no lock on anything else."""
    with conn.transaction():
        # Two first runs at once would both see nothing and one would fail.
        conn.execute("select pg_advisory_xact_lock(hashtextextended('repot.state', 0))")
        if not has_state(conn):
            conn.execute(load("state.sql").encode())


def create_run(conn: Connection, plan: Plan) -> Run:
    """A new run, in phase `planned`."""
    row = conn.execute(
        sql.SQL(
            "insert into repot.run (project, plan_digest, plan, phase)"
            " values (%s, %s, %s, %s) returning "
        )
        + sql.SQL(_RUN),
        (plan.project, plan.digest, Jsonb(plan.model_dump(mode="json")), Phase.PLANNED.value),
    ).fetchone()
    return _run(row)


def replace_plan(conn: Connection, run: Run, plan: Plan) -> Run:
    """Give a run that has copied nothing yet another plan."""
    row = conn.execute(
        sql.SQL(
            "update repot.run set plan_digest = %s, plan = %s, updated_at = clock_timestamp()"
            " where id = %s returning "
        )
        + sql.SQL(_RUN),
        (plan.digest, Jsonb(plan.model_dump(mode="json")), run.id),
    ).fetchone()
    return _run(row)


def current_run(conn: Connection, project: str | None = None) -> Run | None:
    """The newest run (of the project), or None."""
    if not has_state(conn):
        return None
    row = conn.execute(
        sql.SQL("select ")
        + sql.SQL(_RUN)
        + sql.SQL(
            " from repot.run where %(p)s::text is null or project = %(p)s order by id desc limit 1"
        ),
        {"p": project},
    ).fetchone()
    return _run(row) if row else None


def load_plan(conn: Connection, run: Run) -> Plan:
    """The plan that the run was started with."""
    row = conn.execute("select plan from repot.run where id = %s", (run.id,)).fetchone()
    assert row is not None
    return Plan.model_validate_json(json.dumps(row[0]))


def lock_run(conn: Connection, run: Run) -> None:
    """Hold the run for this session: one runner at a time. Refused `run-busy` if another has it.

    A session lock: it goes with the connection, however that ends.
    """
    if take_turn(conn, "repot.run", run.id):
        return
    raise Refused(
        "run-busy",
        f"another Repot is working on run {run.id}",
        hint="wait for it, or look for `application_name like 'repot%'` in pg_stat_activity",
    )


def set_phase(conn: Connection, run: Run, phase: Phase) -> Run:
    """Move the run on; call it in the transaction of the work that the phase stands for."""
    row = conn.execute(
        sql.SQL(
            "update repot.run set phase = %s, updated_at = clock_timestamp()"
            " where id = %s returning "
        )
        + sql.SQL(_RUN),
        (phase.value, run.id),
    ).fetchone()
    return _run(row)


def record_event(
    conn: Connection, run: int | None, stage: str, what: str, detail: Mapping[str, object] = {}
) -> None:
    """Note what happened."""
    conn.execute(
        "insert into repot.event (run, stage, what, detail) values (%s, %s, %s, %s)",
        (run, stage, what, Jsonb(dict(detail))),
    )


def record_evidence(
    conn: Connection,
    run: int | None,
    stage: str,
    kind: str,
    plan_digest: str,
    question: str,
    answer: Mapping[str, object],
    snapshot: str | None = None,
) -> int:
    """Note what was asked and what came back; gives the evidence's id."""
    row = conn.execute(
        "insert into repot.evidence (run, stage, kind, plan_digest, snapshot, question, answer)"
        " values (%s, %s, %s, %s, %s, %s, %s) returning id",
        (run, stage, kind, plan_digest, snapshot, question, Jsonb(dict(answer))),
    ).fetchone()
    assert row is not None
    return int(str(row[0]))


def all_evidence(conn: Connection, run: int) -> tuple[Evidence, ...]:
    """All evidence of a run and the evidence that belongs to none (audit, backup), oldest first."""
    rows = conn.execute(
        "select id, run, at, stage, kind, plan_digest, snapshot, question, answer"
        " from repot.evidence where run = %s or run is null order by id",
        (run,),
    ).fetchall()
    return tuple(_evidence(row) for row in rows)


def last_evidence(conn: Connection, run: int | None, kind: str) -> Evidence | None:
    """The newest evidence of this kind, of the run or (None) of any."""
    row = conn.execute(
        "select id, run, at, stage, kind, plan_digest, snapshot, question, answer"
        " from repot.evidence where kind = %(k)s and (%(r)s::int is null or run = %(r)s)"
        " order by id desc limit 1",
        {"k": kind, "r": run},
    ).fetchone()
    return _evidence(row) if row else None


def _run(row: tuple[object, ...] | None) -> Run:
    assert row is not None
    return Run.model_validate(dict(zip(Run.model_fields, row, strict=True)))


def _evidence(row: tuple[object, ...]) -> Evidence:
    return Evidence.model_validate(dict(zip(Evidence.model_fields, row, strict=True)))
