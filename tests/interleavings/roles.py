"""What the sessions of a schedule do."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import psycopg
from psycopg.errors import DeadlockDetected, IntegrityError, LockNotAvailable, SerializationFailure

from interleavings.actor import Actor, Signal
from interleavings.connections import Stepping
from interleavings.ledger import Ledger
from interleavings.world import World
from interleavings.writes import Theme, part, statement
from repot.engine.apply import Bucket, apply_share, catch_up, drain, locate, step
from repot.engine.prove import prove_touched
from repot.engine.registry import allocate_all
from repot.model.errors import Refused
from repot.stages.copy.chunk import copy_run
from repot.stages.copy.fill import Fill, Run
from repot.stages.cutover import cutover
from repot.stages.follow import follow
from repot.stages.rollback import rollback
from repot.stages.verify import verify
from support.swapping import whole_backup

Body = Callable[[Actor], None]

# Where it matters how long an applier takes: before it writes V2, and before its COMMIT.
APPLIES = ('"v2".', '"v2".', '"v2".', "commit")
PROVES = ("isolation level", "count(*) filter", "commit", "rollback")
COMMITS = ("commit", "commit", "commit")

_TOGETHER = (IntegrityError, DeadlockDetected, SerializationFailure, LockNotAvailable)


def writer(
    world: World, ledger: Ledger, rng: random.Random, theme: Theme, transactions: int
) -> Body:
    """Transactions of one to four statements."""
    mine = part(rng, theme)

    def body(actor: Actor) -> None:
        conn = world.pool.take(actor)
        conn.execute("set search_path = public")
        for _ in range(transactions):
            _write(actor, conn, ledger, rng, mine)
        conn.close()

    return body


def _write(actor: Actor, conn: Stepping, ledger: Ledger, rng: random.Random, theme: Theme) -> None:
    # Drawn before the first statement: what a statement meets must not change the draws after it.
    level = "repeatable read" if rng.random() < 0.25 else "read committed"
    texts = [
        statement(rng, theme) for _ in range(min(theme.most, rng.choice([1, 1, 1, 2, 2, 3, 4])))
    ]
    at, end = rng.randint(0, len(texts)), "commit" if rng.random() < 0.93 else "rollback"
    token = next(ledger.tokens)
    if rng.random() < 0.3:
        texts.insert(at, f"insert into journal values ({token})")
        ledger.given_up.add(token)
    careful = rng.random() < 0.4  # a savepoint before each statement
    try:
        conn.execute(f"begin isolation level {level}".encode())
        for text in texts:
            if careful:
                _try(actor, conn, text)
            else:
                conn.execute(text.encode())
        done = conn.execute(end.encode()).statusmessage
    except psycopg.Error as failed:
        # A key taken, a parent missing, a deadlock, a table that has gone: the application's business.
        actor.note(f"  {type(failed).__name__}: {failed.diag.message_primary}")
        conn.execute("rollback")
        return
    if token in ledger.given_up and done == "COMMIT":
        ledger.given_up.discard(token)
        ledger.committed.add(token)


def _try(actor: Actor, conn: Stepping, text: str) -> None:
    conn.execute("savepoint before")
    try:
        conn.execute(text.encode())
    except psycopg.IntegrityError as failed:
        actor.note(f"  {type(failed).__name__}: {failed.diag.message_primary}")
        conn.execute("rollback to before")


def applier(
    world: World,
    rng: random.Random,
    rounds: int,
    direction: str = "forward",
    *,
    keen: bool = False,
) -> Body:
    """Applies what waits, all of it or a few changes at a time, as soon as something does. keen:
    it looks often before it gives up."""
    limits = [rng.choice([None, None, 1, 3, 10_000]) for _ in range(rounds)]
    looks = 12 if keen else rng.choice([1, 3, 6])

    def body(actor: Actor) -> None:
        conn = world.session_of(actor).connect()
        for limit in limits:
            for _ in range(looks):
                if not world.checks.waits(conn):
                    actor.asleep = 4
                    continue
                if limit is None:
                    done = drain(conn, world.run_id, world.plan, direction)
                else:
                    done = step(conn, world.run_id, world.plan, direction, limit=limit)
                if done.changes or done.keys:  # else another one was quicker
                    break
        conn.close()

    return body


def sharers(world: World, rng: random.Random, number: int, rounds: int) -> list[Body]:
    """Several that share what waits, as the workers of a follower do: the first one works out what
    is touched, each applies its share of it; who cannot, applies whatever waits."""

    def share(bucket: Bucket, limits: list[int]) -> Body:
        def body(actor: Actor) -> None:
            conn = world.session_of(actor).connect()
            for limit in limits:
                if bucket.number == 0:
                    with suppress(*_TOGETHER):
                        locate(conn, world.run_id, world.plan, limit=limit)
                _share(world, conn, bucket, limit)
            conn.close()

        return body

    draws = [[rng.choice([1, 3, 10_000]) for _ in range(rounds)] for _ in range(number)]
    return [share(Bucket(n, number), limits) for n, limits in enumerate(draws)]


def _share(world: World, conn: psycopg.Connection, bucket: Bucket, limit: int) -> None:
    for _ in range(3):
        try:
            done = apply_share(conn, world.run_id, world.plan, "forward", bucket, limit=limit)
        except _TOGETHER:
            step(conn, world.run_id, world.plan, limit=limit)
            return
        if not done.keys:
            return


def prover(world: World, rounds: int) -> Body:
    """Proves what was touched, in a snapshot of its own, while others go on."""

    def body(actor: Actor) -> None:
        conn = world.session_of(actor).connect()
        for _ in range(rounds):
            proofs = prove_touched(conn, world.run_id, world.plan)
            wrong = [p for p in proofs if p.counts.differences]
            assert not wrong, f"a false alarm, or rows that are wrong and nothing waits: {wrong}"
        conn.close()

    return body


def verifier(world: World) -> Body:
    """The whole proof, with its snapshot held open from statement to statement."""

    def body(actor: Actor) -> None:
        verdict = verify(world.session_of(actor), workers=1)
        assert verdict.passed, verdict.reasons

    return body


@dataclass
class Move:
    """How far a move through its stages is."""

    cut: bool = False
    locks: int = 0  # how often it had come to the locks when it was cut over
    stop: Signal = field(default_factory=Signal)


def operator(world: World, move: Move, rng: random.Random) -> Body:
    """Proof, cutover, some time on V2, rollback; each again where others' locks were in the way."""
    waits, rests = rng.choice([0, 0, 3]), rng.choice([0, 2, 5, 10])

    def body(actor: Actor) -> None:
        session = world.session_of(actor)
        verdict = verify(session, workers=1)
        assert verdict.passed, verdict.reasons
        for _ in range(waits):
            actor.pause()
        _patiently(actor, lambda: cutover(session, verdict, whole_backup()))
        move.cut, move.locks = True, actor.passed
        actor.note("-- cut over")
        for _ in range(rests):
            actor.pause()
        _patiently(actor, lambda: rollback(session))
        actor.note("-- rolled back")
        move.stop.set()

    return body


def _patiently(actor: Actor, stage: Callable[[], object]) -> None:
    for _ in range(20):
        try:
            stage()
        except Refused as refused:
            if refused.code != "lock-timeout":
                raise
            actor.note(f"-- {refused.code}: {refused.message}")
        else:
            return
    raise AssertionError("the locks were never had")


def follower(world: World, move: Move) -> Body:
    """`repot follow`, which turns around with each switch."""

    def body(actor: Actor) -> None:
        follow(world.session_of(actor), stop=move.stop)

    return body


@dataclass
class Copying:
    """The parts that are to be copied, and how far it is."""

    parts: list[tuple[Fill, Run]]
    allocated: bool = False
    left: int = 0

    def __post_init__(self) -> None:
        self.left = len(self.parts)


def parts(world: World, rng: random.Random) -> Copying:
    """All parts of all tables, in random order."""
    found = [
        (f, Run(u.number, u.number, u.lo, u.hi)) for f in world.fills for u in f.units.values()
    ]
    rng.shuffle(found)
    return Copying(found)


def copier(world: World, shared: Copying, *, first: bool) -> Body:
    """Values for the registries (the first one), then the parts of all tables, one transaction
    each, as the workers of `repot copy` do it."""

    def body(actor: Actor) -> None:
        session = world.session_of(actor)
        conn = session.connect()
        if first:
            allocate_all(conn, world.plan)
            shared.allocated = True
        actor.wait_until(lambda: shared.allocated)
        while shared.parts:
            fill, part = shared.parts.pop()
            copied = copy_run(session, conn, fill, part)
            assert copied.rows is not None
            shared.left -= 1
        conn.close()

    return body


def after(condition: Callable[[], bool], body: Body) -> Body:
    """`body`, once the condition is so."""

    def waiting(actor: Actor) -> None:
        actor.wait_until(condition)
        body(actor)

    return waiting


def settle(world: World, direction: str = "forward") -> None:
    """Nobody writes any more: apply all that waits."""
    for _ in range(20):
        if not world.checks.waits(world.conn):
            return
        catch_up(world.conn, world.run_id, world.plan, direction)
    poison = world.conn.execute("select name, scope, error from repot.poison").fetchall()
    pending = world.checks.pending(world.conn)
    raise AssertionError(f"after 20 drains there is still: {pending} {poison}")
