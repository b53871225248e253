"""The rollback: carry V2's changes into V1, prove it, switch back, keep what V1 cannot hold."""

from __future__ import annotations

import time
from dataclasses import dataclass

import psycopg

from repot.engine import capture, wal
from repot.engine.apply.batch import hold_lane, hold_switch, lay_out_back
from repot.engine.apply.names import Names
from repot.engine.arming import disarm
from repot.engine.drift import fingerprint
from repot.engine.prove.differing import Found, keep, lay_out, note_uncarried, shown
from repot.engine.prove.differing import find as compare_touched
from repot.engine.session import Session
from repot.engine.swap import memory, shape
from repot.engine.swap.attempts import Clock, in_one_transaction
from repot.engine.swap.evidence import after_the_commit, asking, note, read_run, took_place
from repot.engine.swap.logs import Logs
from repot.engine.swap.opening import holds_first
from repot.engine.swap.switch import Switch, open_switch
from repot.engine.wal.reader import reader
from repot.model.catalog import Catalog
from repot.model.errors import Refused, RepotError
from repot.model.plan import Plan
from repot.model.results import Difference, RollbackResult
from repot.model.state import Phase, Run
from repot.postgres.catalog import read_catalog
from repot.postgres.connect import Connection
from repot.postgres.patience import give_way
from repot.postgres.relations import oid_of
from repot.postgres.retry import with_lock_retries
from repot.postgres.state import last_evidence, record_event, record_evidence, set_phase
from repot.stages.rollback.carry import Carried, apply, carry_at_once, catch_up, forget_dropped
from repot.stages.rollback.rederive import rederive

STAGE = "rollback"
ROUNDS = 12
DISARMING = 8  # tries at what can be left to the next proof


@dataclass(frozen=True)
class _Lost:
    """Rows of V2 that V1 does not have."""

    rows: int
    examples: tuple[Difference, ...]
    found: tuple[Found, ...]


def rollback(session: Session, *, accept_loss: bool = False) -> tuple[Run, RollbackResult]:
    """Switch back: V1 serves again, the writes made on V2 in it; the run is `rolled_back`.

    What V1 has no place for is kept in repot_quarantine. If the plan foresaw it, that is all;
    otherwise nothing is changed unless `accept_loss`. A run that is rolled back already is given
    back as it is.

    Raises Refused `wrong-phase`, `not-carriable`, `schema-changed`, `lock-timeout`; RepotError
    `apply-failed`, `not-drained`, `outside-not-remade`, `connection-lost`, `rollback-failed`
    (nothing was changed); OutcomeUnknown `outcome-unknown`.
    """
    with asking(session, STAGE) as conn:
        run = read_run(conn, session.run)
        if run.phase is Phase.ROLLED_BACK:
            return _already(session, conn, run)
        if run.phase is not Phase.CUT_OVER:
            raise Refused(
                "wrong-phase",
                f"run {run.id} is {run.phase.value.replace('_', ' ')}: V1 serves",
                hint="`repot status` shows what comes next",
            )
        memory.ensure_memory(conn)
    carried = Carried()
    done = in_one_transaction(
        session,
        lambda conn: _get_ready(conn, session),
        lambda conn, clock, _: _with_others(conn, session, clock, carried, accept_loss),
        what=STAGE,
        truth=lambda conn: took_place(conn, session, Phase.ROLLED_BACK),
    )
    if done.value is None:
        with asking(session, STAGE) as conn:
            return _already(session, conn, read_run(conn, session.run))
    result = done.value.model_copy(update={"pause_ms": done.pause_ms, "attempts": done.attempts})
    run = after_the_commit(session, STAGE, done, session.run)
    _disarm(session)
    return run, result


def _get_ready(conn: Connection, session: Session) -> bool:
    """What would take time under the locks, as far as it can be done in the session before its
    transaction; whether anything was."""
    if _gone(conn, session):
        return False
    lay_out_back(conn, session.run.id, session.plan)
    lay_out(conn, session)
    return True


def _with_others(
    conn: Connection, session: Session, clock: Clock, carried: Carried, accept_loss: bool
) -> RollbackResult | None:
    # Whoever must go back can, whatever became of the slot.
    with reader(session, STAGE, tolerant=True) as other:
        return _switch(conn, session, clock, carried, other, accept_loss)


def _switch(
    conn: Connection,
    session: Session,
    clock: Clock,
    carried: Carried,
    from_wal: Connection | None,
    accept_loss: bool,
) -> RollbackResult | None:
    plan, run = session.plan, session.run
    hold_switch(conn, run.id)
    with session.connect("repot rollback") as other:
        if read_run(other, run).phase is Phase.ROLLED_BACK:
            return None
        shape_of = fingerprint(other, run.id, plan)
        _refuse_changed_schema(other, plan, accept_loss=accept_loss)
        if accept_loss:
            forget_dropped(other, run.id)
    catch_up(session, carried, accept_loss=accept_loss)
    held = holds_first(plan.cutover.swap, clock.moved)
    if not _gone(conn, session):
        note_uncarried(session)  # the less is left to be compared under the locks
        if held:
            catch_up(session, carried, accept_loss=accept_loss)

    # From here on another connection of ours may be waited for only shortly, and nothing is written
    # before the writers wait: they would wait for the rows.
    give_way(conn)
    switch = open_switch(conn, plan, run.id, clock, to="v1", kind=plan.cutover.swap)
    switch.prepare_v1()
    if held:
        carry_at_once(session, carried)
    else:
        _catch_up_alone(session, switch, carried, accept_loss=accept_loss)
    back = Logs(conn, run.id, capture.BACK)
    mine = Carried(carried.rows.copy())  # what is applied from here on is undone if we try again

    hold_lane(conn, run.id, capture.BACK)  # before the run's row, as followers do
    run = read_run(conn, run, lock=True)
    if run.phase is Phase.ROLLED_BACK:
        return None
    switch.hold_still()
    if fingerprint(conn, run.id, plan) != shape_of:
        _refuse_changed_schema(conn, plan, accept_loss=accept_loss)
    switch.stop_writers()
    if from_wal is not None:  # what others changed outside is no loss
        wal.catch_up(from_wal, run.id, plan, advance=False)
    _empty(conn, session, back, mine, accept_loss=accept_loss)
    lost = _weigh(conn, session, accept_loss=accept_loss)
    for found in lost.found:
        keep(conn, run.id, found)
    failures = switch.to_v1(tolerant=accept_loss)
    capture.unwatch_own(conn, run.id, plan)
    trouble = rederive(conn, session, lost.found) if lost.found else None
    set_phase(conn, run, Phase.ROLLED_BACK)
    # Whoever wrote V1 meanwhile goes on; V2 is written by the follower alone from here on.
    conn.execute("update repot.run set both_ways = null where id = %s", (run.id,))
    # From here on V1 is the truth again: what it has no place for is a difference like any other.
    conn.execute("delete from repot.uncarried where run = %s", (run.id,))
    for what in (*mine.failures, *failures, *([f"V2 not rederived: {trouble}"] * bool(trouble))):
        record_event(conn, run.id, STAGE, "not done", {"what": what})
        session.progress.say(what)
    for what in switch.left:
        session.progress.say(f"{what} was made since the cutover and stays with V2")
    note(conn, session, STAGE, switch)
    return _record(conn, session, clock, mine, lost)


def _catch_up_alone(
    session: Session, switch: Switch, carried: Carried, *, accept_loss: bool
) -> None:
    """Until nobody is at V2 who would keep the switch, and the writers, waiting for long."""
    began = time.monotonic()
    with session.connect(f"repot {STAGE}") as beside:
        for _ in range(ROUNDS):
            catch_up(session, carried, accept_loss=accept_loss)
            if not switch.in_the_way(beside, time.monotonic() - began):
                return


def _empty(
    conn: Connection, session: Session, back: Logs, carried: Carried, *, accept_loss: bool
) -> None:
    """Under the locks: apply the last changes until none waits (trap 6: one drained batch is not a
    drained queue)."""
    for number in range(ROUNDS):
        if number and not back.waiting(conn):
            return
        apply(conn, session, carried, accept_loss=accept_loss)
    raise RepotError(
        "not-drained",
        "changes of V2 are still waiting although nobody can write",
        evidence=", ".join(f"{table}: {n}" for table, n in back.waiting(conn).items()),
        hint="nothing was changed; `repot rollback` again",
    )


def _gone(conn: Connection, session: Session) -> set[str]:
    """Moves whose table, or view, somebody has dropped since the cutover."""
    names = Names(conn, session.run.id)
    return {
        m.name for m in session.plan.moves if m.table not in names or oid_of(conn, m.view) is None
    }


def _weigh(conn: Connection, session: Session, *, accept_loss: bool) -> _Lost:
    """Every row of V2 was proven at the cutover; those written since are compared here, those of V1
    that were written look at among them."""
    gone = _gone(conn, session)
    if gone and not accept_loss:
        Names(conn, session.run.id)[next(m.table for m in session.plan.moves if m.name in gone)]
    found = compare_touched(conn, session, gone=gone)
    unforeseen = [f for f in found if f.unexplained]
    if unforeseen and not accept_loss:
        examples = [e for f in unforeseen for e in shown(conn, f, unexplained=True)]
        raise Refused(
            "not-carriable",
            f"{sum(f.unexplained for f in unforeseen)} rows written on V2 have no place in V1",
            evidence="\n".join(_line(e) for e in examples),
            hint="change them on V2 to what V1 can hold, or `repot rollback --accept-loss`: they "
            "are kept in repot_quarantine",
        )
    return _Lost(
        rows=sum(f.lost for f in found),
        examples=tuple(e for f in found if f.lost for e in shown(conn, f, unexplained=False)),
        found=tuple(found),
    )


def _line(example: Difference) -> str:
    key = ", ".join(f"{k} = {v}" for k, v in example.key.items())
    columns = "; ".join(
        f"{c}: V1 gives {v1!r}, V2 has {v2!r}" for c, (v1, v2) in example.columns.items()
    )
    words = {"missing": "not in V2, V1 gives it", "extra": "in V2, V1 does not give it"}
    return f"{example.table} ({key}): {columns or words.get(example.kind, example.kind)}"


def _refuse_changed_schema(conn: Connection, plan: Plan, *, accept_loss: bool) -> None:
    """V1's tables must be as they were left; new columns of V2 hold what V1 has no place for.

    A table that was made since the cutover goes along with V2, rows and all.
    """
    front, aside = plan.source_schema, plan.retired_schema
    v1 = Catalog(tables=tuple(t for t in plan.source.tables if t.name.schema_ == front))
    now = read_catalog(conn, [front, aside])
    moving = (front, aside, plan.target_schema)
    found = shape.changes(shape.elsewhere(v1, front, aside), now, [aside], moving)
    if not accept_loss:
        found += shape.changes(
            shape.elsewhere(plan.target, plan.target_schema, front), now, [front], moving
        )
    if found:
        raise Refused(
            "schema-changed",
            f"{len(found)} things have changed since the cutover",
            evidence="; ".join(found[: shape.SHOWN]),
            hint="take the changes back; or `repot rollback --accept-loss`: what new columns of V2 "
            "hold stays in V2 and is not in V1",
        )


def _record(
    conn: Connection, session: Session, clock: Clock, carried: Carried, lost: _Lost
) -> RollbackResult:
    row = conn.execute("select clock_timestamp()").fetchone()
    assert row is not None
    result = RollbackResult.model_validate(
        {
            "pause_ms": clock.held_ms()[0],
            "attempts": clock.attempt + 1,
            "carried": dict(carried.rows),
            "not_carried": lost.examples,
            "not_carried_rows": lost.rows,
            "at": row[0],
        }
    )
    record_evidence(
        conn,
        session.run.id,
        STAGE,
        STAGE,
        session.plan.digest,
        "does V1 serve again with what V2 was given since the cutover, and what could it not take?",
        result.model_dump(mode="json"),
    )
    return result


def _disarm(session: Session) -> None:
    """The logs of the way back: its triggers sleep, and the next proof would do it, too."""
    try:
        with session.connect("repot rollback") as conn:
            with_lock_retries(
                conn,
                lambda _attempt: disarm(conn, session.run.id),
                retries=DISARMING,
            )
    except (psycopg.Error, RepotError) as failed:
        session.progress.say(f"V2's changes are logged no more, but the logs stay: {failed}")


def _already(session: Session, conn: Connection, run: Run) -> tuple[Run, RollbackResult]:
    found = last_evidence(conn, run.id, STAGE)
    assert found is not None  # it was committed together with the phase
    session.progress.say(f"run {run.id} is rolled back already, since {found.at:%Y-%m-%d %H:%M:%S}")
    after_the_commit(session, STAGE, None, run)
    _disarm(session)
    return run, found.read(RollbackResult)
