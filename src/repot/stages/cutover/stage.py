"""The cutover: gates, the locks, the last look at V1's changes, the swap, the evidence."""

from __future__ import annotations

from datetime import datetime

from repot.engine import capture, drift
from repot.engine.apply import both_ways
from repot.engine.apply.batch import hold_lane, hold_switch
from repot.engine.arming import arm
from repot.engine.session import Session
from repot.engine.swap import memory, shape
from repot.engine.swap.attempts import Clock, in_one_transaction
from repot.engine.swap.evidence import after_the_commit, asking, note, read_run, took_place
from repot.engine.swap.locks import NotLocked
from repot.engine.swap.opening import holds_first
from repot.engine.swap.preflight import examine
from repot.engine.swap.survey import Survey
from repot.engine.swap.switch import Switch, open_switch
from repot.engine.wal.reader import reader
from repot.model.errors import Refused
from repot.model.finding import Severity
from repot.model.plan import Plan
from repot.model.results import CutoverResult, TestedBackup, Verdict
from repot.model.state import Phase, Run
from repot.postgres.catalog import read_catalog
from repot.postgres.connect import Connection
from repot.postgres.patience import give_way, patiently
from repot.postgres.state import last_evidence, record_evidence, set_phase
from repot.stages.cutover import gates
from repot.stages.cutover.last import (
    Beside,
    Ready,
    bring_up,
    carry_over,
    carry_over_at_once,
    finish,
    get_beside,
    get_ready,
    stop_v2,
)

STAGE = "cutover"


def cutover(
    session: Session,
    verdict: Verdict,
    backup: TestedBackup,
    *,
    max_pause_ms: float | None = None,
    cancel_blockers: bool = False,
) -> tuple[Run, CutoverResult]:
    """Switch: V1 is retired and V2 serves under its names; the run is `cut_over`.

    One transaction: until it commits nothing has changed, whatever happens. A run that is cut over
    already is given back as it is, and what was left to do after the commit is done.
    max_pause_ms: how long the locks may be held; longer, and it is rolled back and tried again.
    cancel_blockers: from the third try on, cancel the sessions that are in the way.

    V1 may be written all the time: what was written since the proof is applied and proven first,
    and the rest of it under the locks.

    Raises Refused `wrong-phase`, `no-proof`, `proof-stale`, `no-backup`, `not-equal`,
    `not-applied`, `schema-changed`, `preflight`, `lock-timeout`, `pause-too-long`; RepotError
    `connection-lost` (nothing was changed), `cutover-failed`; OutcomeUnknown `outcome-unknown`.
    """
    with asking(session, STAGE) as conn:
        run = read_run(conn, session.run)
        if run.phase is Phase.CUT_OVER:
            return _already(session, conn, run)
        gates.check(conn, session, run, verdict, backup)
        memory.ensure_memory(conn)
        arm(session, conn)
    bring_up(session)
    with session.connect(f"repot {STAGE}") as second:
        # Else what is prepared would fail, and not say why.
        patiently(second, lambda: _refuse_changed_schema(second, session.plan), "the cutover")
        beside = get_beside(second, session)
        done = in_one_transaction(
            session,
            lambda conn: _get_ready(conn, session),
            lambda conn, clock, ready: _with_reader(conn, session, clock, ready, beside),
            what=STAGE,
            truth=lambda conn: took_place(conn, session, Phase.CUT_OVER),
            max_pause_ms=max_pause_ms,
            cancel_blockers=cancel_blockers,
        )
    if done.value is None:  # another one was quicker
        with asking(session, STAGE) as conn:
            return _already(session, conn, read_run(conn, session.run))
    result = done.value.model_copy(
        update={
            "pause_ms": done.pause_ms,
            "locked_ms": done.locked_ms,
            "attempts": done.attempts,
        }
    )
    run = after_the_commit(session, STAGE, done, session.run)
    return run, result


def _get_ready(conn: Connection, session: Session) -> Ready:
    _refuse_changed_schema(conn, session.plan)
    return get_ready(conn, session)


def _with_reader(
    conn: Connection, session: Session, clock: Clock, ready: Ready, beside: Beside
) -> CutoverResult | None:
    with reader(session, STAGE) as wal_reader:
        return _switch(conn, session, clock, ready, wal_reader, beside)


def _switch(
    conn: Connection,
    session: Session,
    clock: Clock,
    ready: Ready,
    wal_reader: Connection | None,
    beside: Beside,
) -> CutoverResult | None:
    hold_switch(conn, session.run.id)
    plan, run = session.plan, read_run(conn, session.run)
    if run.phase is Phase.CUT_OVER:
        return None
    rule = both_ways(conn, run.id)
    if (rule is None) != (ready.quick is not None):  # both ways were opened, or closed, just now
        conn.close()
        raise NotLocked
    shape_of = drift.check(beside.conn, run.id, plan, None)
    patiently(beside.conn, lambda: _refuse_changed_schema(beside.conn, plan), "the cutover")
    # From here on another connection of ours may be waited for only shortly: a TRUNCATE that waits
    # for this transaction would stop it, and nobody would see that we wait for each other. And
    # of what is carried over nothing is written before the writers wait: they would wait for rows.
    give_way(conn)
    held = holds_first(plan.cutover.swap, clock.moved)
    if held:
        carry_over(beside, session, shape_of, None)
    switch = open_switch(
        conn,
        plan,
        run.id,
        clock,
        to="v2",
        kind=plan.cutover.swap,
        refuse=lambda swap: _refuse_trouble(conn, plan, swap),
    )
    switch.prepare_v2()
    if held:
        carry_over_at_once(beside, session, ready)
    else:
        carry_over(beside, session, shape_of, switch)

    hold_lane(conn, run.id, capture.FORWARD)  # before the run's row, as followers do
    if rule is not None:
        hold_lane(conn, run.id, capture.BACK)
    run = read_run(conn, session.run, lock=True)
    if run.phase is Phase.CUT_OVER:
        return None
    switch.hold_still()
    drift.check(conn, run.id, plan, shape_of)
    switch.stop_writers()
    if rule is not None:
        stop_v2(conn, session)
    drained, proven = finish(conn, session, wal_reader, ready)
    switch.to_v2()
    capture.watch_own(conn, run.id, plan)
    at = set_phase(conn, run, Phase.CUT_OVER).updated_at
    return _record(conn, session, switch, clock, drained, proven, at)


def _refuse_changed_schema(conn: Connection, plan: Plan) -> None:
    found = []
    # After a rollback a type may stand in another of the three than when it was planned.
    moving = (plan.source_schema, plan.target_schema, plan.retired_schema)
    for planned, schema in ((plan.source, plan.source_schema), (plan.target, plan.target_schema)):
        schemas = dict.fromkeys([schema, *(t.name.schema_ for t in planned.tables)])
        now = read_catalog(conn, list(schemas))
        found += shape.changes(planned, now, [schema], moving)
        found += [f"{table} is new" for table in shape.new_tables(planned, now, schema)]
    if found:
        raise Refused(
            "schema-changed",
            f"{len(found)} things have changed since the plan was made",
            evidence="; ".join(found[: shape.SHOWN]),
            hint="take the changes back, or bring the project up to them and begin again with "
            "`repot copy --restart`",
        )


def _refuse_trouble(conn: Connection, plan: Plan, swap: Survey) -> None:
    findings = examine(conn, plan, swap)
    errors = [f for f in findings if f.severity is Severity.ERROR]
    if errors:
        raise Refused(
            "preflight",
            f"the switch would break {len(errors)} things",
            evidence="\n".join(f"{f.code}: {f.message}" for f in errors[: shape.SHOWN]),
            hint=errors[0].hint or "`repot plan` lists them with their remedies",
        )


def _record(
    conn: Connection,
    session: Session,
    switch: Switch,
    clock: Clock,
    drained: int,
    proven: int,
    at: datetime,
) -> CutoverResult:
    pause, locked = clock.held_ms()
    result = CutoverResult.model_validate(
        {
            "pause_ms": pause,
            "locked_ms": locked,
            "attempts": clock.attempt + 1,
            "tables": len(switch.swap.tables("v2")),
            "at": at,
            "drained": drained,
            "proven": proven,
        }
    )
    note(conn, session, STAGE, switch)
    record_evidence(
        conn,
        session.run.id,
        STAGE,
        STAGE,
        session.plan.digest,
        "does V2 serve under V1's names, was every row proven at that instant, and how long were "
        "writers kept waiting until the COMMIT?",
        result.model_dump(mode="json"),
    )
    return result


def _already(session: Session, conn: Connection, run: Run) -> tuple[Run, CutoverResult]:
    found = last_evidence(conn, run.id, STAGE)
    assert found is not None  # it was committed together with the phase
    session.progress.say(f"run {run.id} is cut over already, since {found.at:%Y-%m-%d %H:%M:%S}")
    after_the_commit(session, STAGE, None, run)
    return run, found.read(CutoverResult)
