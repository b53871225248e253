"""The copy: every row that the moves give, then keys, indexes and foreign keys. See `copy`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial

from repot.engine.deferred import Deferred, deferred, put_back
from repot.engine.session import Session
from repot.engine.wal.background import reading
from repot.model.errors import RepotError
from repot.model.results import CopyResult
from repot.model.state import Phase
from repot.postgres.connect import Connection
from repot.postgres.retry import with_lock_retries
from repot.postgres.state import record_event, record_evidence, set_phase
from repot.stages.copy.agenda import Agenda
from repot.stages.copy.constraint import explained
from repot.stages.copy.crew import work
from repot.stages.copy.gates import begun, check_captured, check_phase, hold
from repot.stages.copy.result import read_result
from repot.stages.copy.sql import load
from repot.stages.copy.throttle import Throttle


def copy(
    session: Session, workers: int | None = None, chunk_seconds: float | None = None
) -> CopyResult:
    """Fill the V2 that `engine.build` made, and make it complete: phase `copied`.

    workers: connections; chunk_seconds: how long one transaction should take; both as the project
    says where None. An earlier copy that was broken off, however, is gone on with: what was
    committed is neither done again nor lost. Of a run that is `copied` the result is given again.

    Raises Refused `not-built`, `wrong-phase`, `run-busy`, `not-captured`, `may-not-watch`,
    `lock-timeout`; RepotError `copy-failed`, `constraint-failed`, `connection-lost`,
    `slug-too-long`, `apply-failed`. After any of them the copy may be called again.
    """
    setting = session.plan.copying
    conn = session.connect("repot copy")
    try:
        agenda = Agenda(session, workers or setting.workers, chunk_seconds or setting.chunk_seconds)
        return _copy(session, conn, agenda)
    finally:
        conn.close()


def _copy(session: Session, conn: Connection, agenda: Agenda) -> CopyResult:
    """`conn` only watches, begins and ends; the workers have connections of their own."""
    started, run = time.monotonic(), session.run.id
    hold(conn, run)
    if check_phase(conn, session) is Phase.COPIED:
        return read_result(conn, session, ms=0, resumed=True)
    check_captured(conn, session)
    throttle = Throttle(session.plan.copying, session.progress, agenda.board.stopped)
    throttle.check(conn)
    resumed = begun(conn, run)
    todo = [item for item in deferred(conn, run) if not item.done]
    agenda.lay(conn, todo)
    with reading(session):
        work(agenda.board, partial(session.connect, "repot copy"), throttle)
    triggers = [item for item in todo if item.step == "trigger"]
    result = _finish(session, conn, agenda, triggers, started, resumed)
    session.progress.finish("constraints")
    return result


def _finish(
    session: Session,
    conn: Connection,
    agenda: Agenda,
    triggers: Sequence[Deferred],
    started: float,
    resumed: bool,
) -> CopyResult:
    """Triggers, evidence and the phase, in one transaction: V2 is complete, or it is not."""
    run, plan = session.run.id, session.plan

    def finish(_attempt: int) -> CopyResult:
        conn.execute("select from repot.run where id = %s for update", (run,))
        for item in triggers:
            with explained(item):
                put_back(conn, run, item.number)
        _assert_complete(session, conn)
        ms = round((time.monotonic() - started) * 1000)
        result = read_result(conn, session, ms=ms, resumed=resumed)
        answer = result.model_dump(mode="json") | {
            "registries": agenda.given,
            "registry_ms": agenda.registry_ms,
            "quarantined": agenda.kept,
        }
        question = "insert into each V2 table what its move gives: how many rows?"
        record_evidence(conn, run, "copy", "copy", plan.digest, question, answer)
        record_event(conn, run, "copy", "copied", {"rows": result.rows})
        set_phase(conn, session.run, Phase.COPIED)
        return result

    # A foreign key to a table outside may cascade into V2 meanwhile.
    return with_lock_retries(
        conn,
        finish,
        lock_timeout_ms=plan.cutover.lock_timeout_ms,
        retries=plan.cutover.retries,
        what="V2's tables, for their triggers,",
    )


def _assert_complete(session: Session, conn: Connection) -> None:
    rows = conn.execute(
        load("copy_open.sql").encode(),
        {"run": session.run.id, "moves": [m.name for m in session.plan.moves]},
    ).fetchall()
    if rows:
        raise RepotError(
            "copy-incomplete",
            f"{len(rows)} parts of V2 are not there",
            evidence=", ".join(str(r[0]) for r in rows[:10]),
            hint="run `repot copy` again; if it stays, this is a fault of Repot's",
        )
