"""Applying what was captured: everything that waits, or a batch of it."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from contextlib import nullcontext

import psycopg
from psycopg.pq import TransactionStatus

from repot.engine import todo, wal
from repot.engine.apply import poison
from repot.engine.apply.batch import Batch, lane, no_switch
from repot.engine.apply.both import carry_both
from repot.engine.apply.scope import Bucket
from repot.engine.apply.taking import ALL
from repot.engine.capture import BACK, FORWARD
from repot.model.errors import Refused, RepotError
from repot.model.plan import Plan
from repot.model.results import DrainResult
from repot.model.state import Phase
from repot.postgres.connect import Connection, one_snapshot
from repot.postgres.patience import give_way
from repot.postgres.retry import blockers

ATTEMPTS = 4  # of a batch in one snapshot
PATIENCE = 60  # attempts in all, where somebody is in the way
STRICT = 3  # attempts at rows that fail, where nothing may be set aside
# In a cycle of waits (the application deletes a row that V2 refers to) the batch is the one that
# ends, long before the server would choose; it is tried again.
GIVE_WAY_MS = 150
CROSSED_MS, CROSSED = 40, 8  # the same, of the first tries
_AGAIN = (
    psycopg.errors.SerializationFailure,
    psycopg.errors.DeadlockDetected,
    psycopg.errors.LockNotAvailable,
)
LIMIT = 10_000  # changes of one table, and scopes, in one transaction
# Which side is the truth decides which way changes go; a batch that comes too late does nothing.
SERVES = {
    FORWARD: (Phase.COPYING, Phase.COPIED, Phase.ROLLED_BACK),
    BACK: (Phase.CUT_OVER,),
}

Guard = Callable[[Connection], None]


def drain(
    conn: Connection,
    run_id: int,
    plan: Plan,
    direction: str = FORWARD,
    *,
    set_aside: bool = False,
) -> DrainResult:
    """Apply all that waits now, in the caller's transaction or in one of its own.

    forward: V2 follows V1. back: V1 follows V2, and keeps its own value in every column that V2 did
    not change (a way back may lose detail; the loop view tells what V2 remembers of each V1 row).
    set_aside: scopes that cannot be applied become poison.

    Raises RepotError `apply-failed`, with nothing applied and nothing taken off.
    """
    if conn.info.transaction_status is TransactionStatus.IDLE:
        if direction == FORWARD:
            wal.catch_up(conn, run_id, plan)
        strict = not set_aside
        return _tried(conn, run_id, plan, direction, ALL, None, strict=strict)
    with conn.transaction():
        batch = Batch(conn, run_id, plan, direction)
        try:
            batch.locate(ALL)  # once: while others write there is no end to it
            batch.apply(ALL, set_aside=set_aside)
        except psycopg.OperationalError:
            raise
        except psycopg.Error as failed:
            raise _failed(conn, failed) from failed
        return batch.end()


def step(
    conn: Connection,
    run_id: int,
    plan: Plan,
    direction: str = FORWARD,
    *,
    limit: int = LIMIT,
    guard: Guard | None = None,
    switching: bool = False,
    tries: int = PATIENCE,
) -> DrainResult:
    """One batch in a transaction of its own: up to `limit` changes of each table are taken, up to
    `limit` scopes applied; what cannot be applied becomes poison. Where it takes all that waits, V2
    is afterwards what V1 was at one moment. What is to be read from the WAL must have been read.

    guard: asked before the commit, when the tables that were read are locked against DDL; what it
    raises undoes the batch. switching: on behalf of a switch, which all others wait for. Raises
    RepotError `apply-failed`, Refused `lock-timeout`.
    """
    return _tried(
        conn, run_id, plan, direction, limit, guard, serving=True, switching=switching, tries=tries
    )


def _tried(
    conn: Connection,
    run_id: int,
    plan: Plan,
    direction: str,
    limit: int,
    guard: Guard | None,
    *,
    strict: bool = False,
    serving: bool = False,
    switching: bool = False,
    tries: int = PATIENCE,
) -> DrainResult:
    """A batch in a transaction and a snapshot of its own, tried at several moments: a row that a
    foreign key points to outside may have gone since the snapshot; seen later, it is gone for both.

    strict: nothing is set aside. serving: only if the other side serves.
    """

    def once(attempt: int, blamed: int, spoiled: int) -> DrainResult:
        again = attempt > 0 and direction == FORWARD
        with (
            lane(conn, run_id, direction, switching=switching),
            # Whoever deletes in a table outside may delete in V2 as well, by a foreign key that
            # cascades: one snapshot would not do then, as often as it is tried.
            wal.still(conn, run_id, plan) if again else nullcontext(),
            one_snapshot(conn) if spoiled < ATTEMPTS else nullcontext(),
            conn.transaction(),
        ):
            give_way(conn, _give_way_ms(attempt))
            if again:  # a row may refer to one that is in the WAL still
                wal.pump_seen(conn, run_id, plan)
            batch = Batch(conn, run_id, plan, direction)
            if not serving or batch.phase in SERVES[direction]:
                batch.locate(limit)
                batch.apply(limit, set_aside=not strict and blamed >= 2)
                if guard is not None:
                    guard(conn)
            return batch.end()

    return _at_several_moments(conn, once, tries, strict=strict)


def step_both(
    conn: Connection,
    run_id: int,
    plan: Plan,
    rule: str,
    *,
    limit: int = LIMIT,
    guard: Guard | None = None,
    switching: bool = False,
    tries: int = PATIENCE,
) -> DrainResult:
    """One batch of both directions in a transaction of its own; rule: last, v1, v2 (both.py).

    Raises RepotError `apply-failed` or Refused `lock-timeout`, with nothing applied and nothing
    taken off.
    """

    def once(attempt: int, _blamed: int, _spoiled: int) -> DrainResult:
        with (
            lane(conn, run_id, FORWARD, switching=switching),
            lane(conn, run_id, BACK, switching=switching),
            wal.still(conn, run_id, plan),
            # Always: what the one side writes after the other's changes were taken would be
            # overwritten, without a conflict, where a later moment is seen.
            one_snapshot(conn),
            conn.transaction(),
        ):
            # What V1 says now and no log tells would be overwritten without a conflict.
            wal.pump_seen(conn, run_id, plan)
            give_way(conn, _give_way_ms(attempt))
            done = both_now(conn, run_id, plan, rule, limit=limit)
            if guard is not None:
                guard(conn)
            return done

    return _at_several_moments(conn, once, tries, strict=True)


def _at_several_moments(
    conn: Connection, once: Callable[[int, int, int], DrainResult], tries: int, *, strict: bool
) -> DrainResult:
    """`once(attempt, blamed, spoiled)` until it can be done; blamed: how often a row was to blame;
    spoiled: how often it was that, or what others did to rows that the snapshot shows.

    strict: no more than STRICT times.
    """
    blamed = spoiled = 0
    for attempt in range(tries):
        try:
            return once(attempt, blamed, spoiled)
        except (*poison.BLAMED, *_AGAIN) as failed:
            blamed += isinstance(failed, poison.BLAMED)
            spoiled += not isinstance(failed, psycopg.errors.LockNotAvailable)
            if attempt == tries - 1 or (strict and blamed > STRICT):
                raise _failed(conn, failed) from failed
            time.sleep(random.uniform(0, min(0.3, 0.01 * 2**attempt)))
        except psycopg.OperationalError:
            raise
        except psycopg.Error as failed:
            raise _failed(conn, failed) from failed
    raise AssertionError("the last attempt returns or raises")


def _give_way_ms(attempt: int) -> int:
    """At first it is more likely that each has what the other wants than that one of them is long
    at it: then waiting ends nothing, and keeps the application waiting, too."""
    return CROSSED_MS if attempt < CROSSED else GIVE_WAY_MS


def both_now(
    conn: Connection, run_id: int, plan: Plan, rule: str, *, limit: int = ALL
) -> DrainResult:
    """The same in the caller's transaction; raises psycopg.Error."""
    forward = Batch(conn, run_id, plan, FORWARD, only_given=True, shared=True)
    back = Batch(conn, run_id, plan, BACK, shared=True)
    return carry_both(forward, back, rule, limit)


def both_ways(conn: Connection, run_id: int) -> str | None:
    """The rule by which conflicts are settled, where both sides are written; else None."""
    row = conn.execute("select both_ways from repot.run where id = %s", (run_id,)).fetchone()
    return str(row[0]) if row and row[0] else None


def catch_up(
    conn: Connection,
    run_id: int,
    plan: Plan,
    direction: str = FORWARD,
    advance: Callable[[int], None] = lambda _: None,
    *,
    switching: bool = False,
    tries: int = PATIENCE,
) -> int:
    """Batches until one was not full: it took all that was there when it began. What is written
    meanwhile waits; there is no end to it while V1 is written. Gives the changes of that last one.
    Raises what `step` raises."""
    rule = both_ways(conn, run_id)
    if direction == FORWARD:
        wal.catch_up(conn, run_id, plan)
    while True:
        if rule is None:
            done = step(conn, run_id, plan, direction, switching=switching, tries=tries)
        else:
            done = step_both(conn, run_id, plan, rule, switching=switching, tries=tries)
        advance(done.changes)
        if done.changes < LIMIT and done.keys < LIMIT and not done.noted:
            return done.changes


def retry_poison(conn: Connection, run_id: int, direction: str = FORWARD) -> int:
    """What could not be applied waits again, for the next batch; gives how many scopes."""
    with conn.transaction():
        return poison.again(conn, run_id, direction, todo.read(conn, run_id, direction))


def locate(
    conn: Connection, run_id: int, plan: Plan, direction: str = FORWARD, *, limit: int = LIMIT
) -> DrainResult:
    """Only the first half of a batch: changes are taken, their scopes wait for `apply_share`."""
    with no_switch(conn, run_id), conn.transaction():
        give_way(conn, GIVE_WAY_MS)
        batch = Batch(conn, run_id, plan, direction)
        if batch.phase in SERVES[direction]:
            batch.locate(limit)
        return batch.end()


def apply_share(
    conn: Connection,
    run_id: int,
    plan: Plan,
    direction: str,
    bucket: Bucket,
    *,
    limit: int = LIMIT,
    guard: Guard | None = None,
) -> DrainResult:
    """One of several appliers' share of what waits, in a transaction of its own.

    Raises psycopg.IntegrityError where rows of its share need rows of another's: nothing of it is
    done then, and a `step` must do it.
    """
    with no_switch(conn, run_id), conn.transaction():
        give_way(conn, GIVE_WAY_MS)
        batch = Batch(conn, run_id, plan, direction, bucket)
        if batch.phase in SERVES[direction]:
            batch.apply(limit, set_aside=False)
        if guard is not None:
            guard(conn)
        return batch.end()


def _failed(conn: Connection, failed: psycopg.Error) -> RepotError:
    if isinstance(failed, psycopg.errors.LockNotAvailable):
        return Refused(
            "lock-timeout",
            "what was captured could not be applied: others held locks at each try",
            evidence=blockers(conn),
            hint="nothing is lost; end the long transactions named here, or try again later",
        )
    return RepotError(
        "apply-failed",
        f"captured changes could not be applied: {failed.diag.message_primary or failed}",
        evidence=failed.diag.message_detail or "",
        hint="the changes stay in the log; mend the row and try again",
    )
