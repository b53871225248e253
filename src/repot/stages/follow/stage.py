"""The follower: V2 keeps step with V1, and after the cutover V1 with V2, until it is stopped."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from threading import Event

import psycopg

from repot.engine.apply import LIMIT, both_ways, retry_poison
from repot.engine.capture import BACK, FORWARD
from repot.engine.lag import lag
from repot.engine.session import Session
from repot.model.errors import Refused, RepotError
from repot.model.results import DrainResult, FollowResult
from repot.model.state import Phase
from repot.postgres.connect import Connection
from repot.postgres.state import record_event
from repot.postgres.turn import take_turn
from repot.stages.follow.both import open_both
from repot.stages.follow.crew import Crew
from repot.stages.follow.upkeep import Upkeep

STAGE = "follow"
IDLE = (0.05, 0.25)  # seconds between looks, at first and after a while of nothing
PATIENCE = 60.0  # seconds without a server before it is given up
POISON = 30.0  # seconds between tries of what could not be applied
# Seconds after which temporary tables are made anew: the server cannot forget the numbers of
# transactions that are older than a table which nobody vacuums.
RENEW = 3600.0
DIRECTION = {
    Phase.COPIED: FORWARD,
    Phase.ROLLED_BACK: FORWARD,
    Phase.CUT_OVER: BACK,
}


@dataclass
class _Tally:
    """What was done so far."""

    direction: str = FORWARD
    changes: int = 0
    keys: int = 0
    written: int = 0
    batches: int = 0
    conflicts: int = 0
    max_lag: float = 0.0
    began: float = field(default_factory=time.monotonic)
    alive: float = field(default_factory=time.monotonic)  # when the server last answered

    def add(self, done: DrainResult) -> None:
        self.changes += done.changes
        self.keys += done.keys
        self.written += done.written
        self.conflicts += done.conflicts
        self.batches += 1
        self.alive = time.monotonic()


def follow(
    session: Session,
    *,
    stop: Event,
    seconds: float | None = None,
    once: bool = False,
    workers: int = 1,
    both: str | None = None,
    with_triggers: bool = False,
) -> FollowResult:
    """Apply what is captured, in batches, until `stop` is set, `seconds` are over, the run is
    cleaned up, or (`once`) all that waited at the beginning is applied. A cutover or a rollback
    turns it around.

    workers: connections that share a large backlog. A server that goes away is waited for.
    both: some write V1 and some V2 from here on, until the run is cleaned up; the rule that settles
    conflicts (last, v1, v2). with_triggers: V1's own triggers may fire for what is carried back.

    Raises Refused `follow-busy` (there is one already), `wrong-phase`, `schema-changed`,
    `triggers-would-fire`; RepotError `apply-failed`, `connection-lost`.
    """
    tally = _Tally()
    deadline = None if seconds is None else tally.began + seconds
    while True:
        try:
            with ExitStack() as stack:
                conn = stack.enter_context(session.connect("repot follow"))
                _only_one(conn, session)
                crew = Crew(session, workers, stack)
                if both is not None:
                    open_both(session, conn, both, with_triggers=with_triggers)
                return _follow(session, conn, crew, tally, stop, deadline, once=once)
        except (psycopg.OperationalError, RepotError) as failed:
            if isinstance(failed, RepotError) and failed.code != "connection-failed":
                raise
            if time.monotonic() - tally.alive > PATIENCE or stop.is_set():
                raise RepotError(
                    "connection-lost",
                    f"the server has been away for {PATIENCE:.0f} s; what was applied is committed",
                    hint="`repot follow` goes on where this one stopped",
                ) from None
            session.progress.say("the connection is lost; trying again")
            stop.wait(1.0)


def _follow(
    session: Session,
    conn: Connection,
    crew: Crew,
    tally: _Tally,
    stop: Event,
    deadline: float | None,
    *,
    once: bool,
) -> FollowResult:
    run, idle, poisoned, turned, renewed = session.run.id, 0, 0.0, "", 0.0
    upkeep = Upkeep(session, conn, once=once)
    while not stop.is_set() and (deadline is None or time.monotonic() < deadline):
        direction = _direction(conn, run)
        if direction is None:
            break
        if turned and direction != turned:
            stop.wait(IDLE[1])  # whoever has waited for the switch has the processors first
        if direction != turned or time.monotonic() - renewed > RENEW:
            crew.forget_tables(conn)
            renewed = time.monotonic()
        if direction != turned:
            tally.direction = turned = direction
            record_event(conn, run, STAGE, "following", {"direction": direction})
        if time.monotonic() - poisoned > POISON:
            retry_poison(conn, run, direction)
            poisoned = time.monotonic()
        rule = both_ways(conn, run)
        now = upkeep.look(direction)
        if rule is not None:
            other = lag(conn, run, BACK if direction == FORWARD else FORWARD)
            now = now.model_copy(update={"changes": now.changes + other.changes})
            tally.direction = "both"
        tally.max_lag = max(tally.max_lag, now.seconds)
        try:
            done = crew.batch(conn, direction, now, upkeep.guard, rule)
        except Refused as refused:
            # Somebody is altering a table right now, or keeps it locked: that will pass.
            if refused.code not in ("schema-in-motion", "lock-timeout"):
                raise
            session.progress.say(f"waiting: {refused.message} ({refused.evidence})")
            stop.wait(IDLE[1])
            continue
        tally.add(done)
        upkeep.did(done.changes)
        if once and done.changes < LIMIT and done.keys < LIMIT and not done.noted:
            break  # it took all that was there when it began
        if done.changes or done.keys:
            idle = 0
            continue
        idle += 1
        stop.wait(IDLE[0] if idle < 40 else IDLE[1])
    upkeep.finish()
    return _result(session, conn, tally)


def _direction(conn: Connection, run: int) -> str | None:
    """What there is to follow now; None where the move is over."""
    row = conn.execute("select phase from repot.run where id = %s", (run,)).fetchone()
    phase = Phase(str(row[0])) if row else Phase.CLEANED
    if phase in (Phase.CLEANED, Phase.PLANNED):
        return None
    if phase not in DIRECTION:
        raise Refused(
            "wrong-phase",
            f"run {run} is {phase.value}: there is nothing to follow yet",
            hint="`repot copy` fills V2; what is written to V1 meanwhile is captured",
        )
    return DIRECTION[phase]


def _only_one(conn: Connection, session: Session) -> None:
    if not take_turn(conn, "repot.follow", session.run.id, seconds=2.0):
        raise Refused(
            "follow-busy",
            f"another `repot follow` is at work on run {session.run.id}",
            hint="one is enough; `repot status` shows it",
        )


def _result(session: Session, conn: Connection, tally: _Tally) -> FollowResult:
    run = session.run.id
    row = conn.execute("select count(*) from repot.poison where run = %s", (run,)).fetchone()
    result = FollowResult(
        direction=tally.direction,
        changes=tally.changes,
        keys=tally.keys,
        written=tally.written,
        batches=tally.batches,
        conflicts=tally.conflicts,
        poison=int(str(row[0])) if row else 0,
        pending=sum(lag(conn, run, d).waiting for d in _ways(tally.direction)),
        max_lag_seconds=round(tally.max_lag, 3),
        seconds=round(time.monotonic() - tally.began, 3),
    )
    record_event(conn, run, STAGE, "stopped", result.model_dump(mode="json"))
    return result


def _ways(direction: str) -> tuple[str, ...]:
    return (FORWARD, BACK) if direction == "both" else (direction,)
