"""The kinds of schedules: their sessions, and what must hold at the end."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

from interleavings.actor import Actor, Event, no_clock
from interleavings.ledger import Ledger
from interleavings.right import Switches, equal, kept, returned, unexplained
from interleavings.roles import (
    APPLIES,
    COMMITS,
    PROVES,
    Move,
    after,
    applier,
    copier,
    follower,
    operator,
    parts,
    prover,
    settle,
    sharers,
    verifier,
    writer,
)
from interleavings.scheduler import Scheduler
from interleavings.world import Kind, World
from interleavings.writes import LITTLE, Theme, theme

LOCKS = [0, 2]  # statements that lock, before the catalogs stand still and before writers wait
TAIL, WIDTH = 80, 220  # of the trace in a failure's message: steps, characters


class Found(AssertionError):
    """A schedule that went wrong; the message is its steps."""


@dataclass
class Result:
    """What happened."""

    steps: int
    looks: int
    rows: int  # compared at the end
    trace: list[Event]


def follow_schedule(
    world: World, seed: int, *, serial: bool = False, about: str | None = None
) -> Result:
    """V1's writers, one or two sessions that apply what they wrote, and perhaps one that proves it.
    serial: one after the other. about: the theme of all writes; `few` and `renames` have two appliers. None: a
    random one."""
    rng = random.Random(seed)
    ledger, kinds = Ledger(), theme(rng, about)
    if kinds.name in LITTLE:  # little is written: whatever comes later would mend what went wrong
        writers, transactions, appliers, rounds = rng.choice([2, 3]), [1], 2, [1]
    else:
        writers, transactions = rng.choice([2, 3, 4]), [1, 1, 2]
        appliers, rounds = rng.choice([1, 1, 2]), [1, 1, 2]
    actors = _writers(world, rng, ledger, kinds, writers, transactions)
    if about is None and rng.random() < 0.15:
        bodies = sharers(world, _fork(rng), 2, rng.choice(rounds))
    else:
        bodies = [
            applier(world, _fork(rng), rng.choice(rounds), keen=kinds.name in LITTLE)
            for _ in range(appliers)
        ]
    actors += [Actor(f"applier {n}", body, APPLIES) for n, body in enumerate(bodies, 1)]
    if about is None and rng.random() < 0.25:
        actors.append(Actor("prover", prover(world, rng.choice([1, 2])), PROVES))

    def end() -> int:
        settle(world)
        kept(world, ledger, "v2.journal")
        return equal(world)

    return play(world, seed, rng, actors, end, serial=serial, look=lambda: unexplained(world))


def proof_schedule(world: World, seed: int, *, serial: bool = False) -> Result:
    """V1's writers, a session that applies what they wrote, and the whole proof beside them."""
    rng = random.Random(seed)
    ledger = Ledger()
    prover = Actor("prover", verifier(world), PROVES)
    prover.landmark = "pg_export_snapshot"
    actors = [prover]
    actors += _writers(
        world, rng, ledger, theme(rng), rng.choice([2, 3]), [1, 2, 3], lambda: prover.passed > 0
    )
    if rng.random() < 0.7:
        body = applier(world, _fork(rng), rng.choice([1, 2]))
        actors.append(Actor("applier 1", body, APPLIES))

    def end() -> int:
        settle(world)
        kept(world, ledger, "v2.journal")
        return equal(world)

    return play(world, seed, rng, actors, end, serial=serial, look=lambda: unexplained(world))


def copy_schedule(world: World, seed: int, *, serial: bool = False, early: bool = False) -> Result:
    """Writers while one or two sessions copy; when all rows are there, what was captured is applied.
    early: applied while rows are still being copied, which is a mistake."""
    rng = random.Random(seed)
    ledger, copying, kinds = Ledger(), parts(world, rng), theme(rng, "all")
    actors = [
        Actor(f"copier {n + 1}", copier(world, copying, first=n == 0), APPLIES)
        for n in range(rng.choice([1, 2]))
    ]
    actors += _writers(world, rng, ledger, kinds, rng.choice([2, 3]), [1, 2])
    following = applier(world, _fork(rng), 1)
    # Before all rows are copied nothing may be applied (trap 2).
    late = after(lambda: not copying.left, following)
    actors.append(Actor("applier 1", following if early else late))

    def end() -> int:
        settle(world)
        kept(world, ledger, "v2.journal")
        return equal(world)

    return play(world, seed, rng, actors, end, serial=serial)


def back_schedule(world: World, seed: int, *, serial: bool = False) -> Result:
    """V2 serves: its writers, and one or two sessions that carry back what they wrote."""
    rng = random.Random(seed)
    ledger = Ledger()
    actors = _writers(world, rng, ledger, theme(rng, "v2"), rng.choice([2, 3, 4]), [1, 1, 2])
    actors += [
        Actor(f"applier {n + 1}", applier(world, _fork(rng), rng.choice([1, 2]), "back"), APPLIES)
        for n in range(rng.choice([1, 1, 2]))
    ]

    def end() -> int:
        settle(world, "back")
        kept(world, ledger, "v1_old.journal")
        return returned(world)

    return play(world, seed, rng, actors, end, serial=serial)


def whole_schedule(world: World, seed: int, *, serial: bool = False) -> Result:
    """From the proof to the cutover and back: V1's writers go on through all of it (their tables go
    away under them), V2's begin when it serves, and a follower goes along, or nobody does."""
    rng = random.Random(seed)
    ledger, move, cut = Ledger(), Move(), Ledger()
    cut.tokens = count(1_000_000)
    near = rng.choice(LOCKS)
    mover = Actor("operator", operator(world, move, _fork(rng)), ("lock table", "commit"))
    mover.landmark = "exclusive mode"
    actors = [mover]
    actors += _writers(
        world, rng, ledger, theme(rng), rng.choice([2, 3]), [2, 3, 5], lambda: mover.passed > near
    )
    for n in range(rng.choice([1, 2])):
        body = writer(world, cut, _fork(rng), theme(rng, "v2"), rng.choice([1, 2, 3]))
        gate = _gate(move, mover, rng.choice([None, *LOCKS]))
        actors.append(Actor(f"V2 writer {n + 1}", after(gate, body), COMMITS))
    if rng.random() < 0.6:
        actors.append(Actor("follower", follower(world, move), APPLIES))

    def end() -> int:
        settle(world)
        for told in (ledger, cut):
            kept(world, told, "public.journal")
            kept(world, told, "v2.journal")
        return equal(world) + switches.rows

    switches = Switches(world, (ledger, cut))
    return play(world, seed, rng, actors, end, serial=serial, look=switches.look, every=1.0)


def _writers(
    world: World,
    rng: random.Random,
    ledger: Ledger,
    kinds: Theme,
    number: int,
    transactions: list[int],
    late: Callable[[], bool] | None = None,
) -> list[Actor]:
    """late: before this is so, half of them do not begin."""
    actors = [
        Actor(
            f"writer {n + 1}",
            writer(world, ledger, _fork(rng), kinds, rng.choice(transactions)),
            COMMITS,
        )
        for n in range(number)
    ]
    for actor in actors if late is not None else ():
        if rng.random() < 0.5:
            actor.body = after(late, actor.body)
    return actors


def _gate(move: Move, mover: Actor, late: int | None) -> Callable[[], bool]:
    """When V2 serves; late: when it is about to be rolled back, and so many locks are had."""
    return lambda: move.cut and (late is None or mover.passed > move.locks + late)


def play(
    world: World,
    seed: int,
    rng: random.Random,
    actors: list[Actor],
    end: Callable[[], int],
    *,
    serial: bool = False,
    look: Callable[[], None] | None = None,
    every: float = 0.3,
) -> Result:
    """Run the actors in the order that `rng` decides; look after some of the commits, and at the
    end, which gives how many rows were compared.

    Raises Found with all steps.
    """
    looks = 0

    def looking() -> None:
        nonlocal looks
        looks += 1
        if look is not None:
            look()

    scheduler = Scheduler(
        _fork(rng), world.monitor, looking if look else None, every, serial=serial
    )
    world.reset()
    try:
        with no_clock():
            scheduler.run(actors)
        for actor in actors:
            if actor.failure is not None:
                raise actor.failure
        rows = end()
    except Exception as failure:
        raise Found(_told(world, seed, failure, scheduler.trace)) from failure
    finally:
        world.pool.reclaim()
    return Result(scheduler.steps, looks, rows, scheduler.trace)


def _told(world: World, seed: int, failure: Exception, trace: list[Event]) -> str:
    steps = "\n".join(str(event)[:WIDTH] for event in trace[-TAIL:])
    return (
        f"seed {seed} ({world.kind.name}: the move is {world.kind.value}): {failure!r}\n"
        f"again: pytest tests/interleavings -k 'schedules or repeats' --seed {seed}\n"
        f"the last of {len(trace)} steps:\n{steps}\n"
    )


def _fork(rng: random.Random) -> random.Random:
    """Draws of its own, so that what one actor meets does not change what others draw."""
    return random.Random(rng.getrandbits(64))


SCHEDULES: dict[Kind, Callable[[World, int], Result]] = {
    Kind.COPIED: follow_schedule,
    Kind.PROVEN: proof_schedule,
    Kind.EMPTY: copy_schedule,
    Kind.CUT: back_schedule,
    Kind.BACK: whole_schedule,
}


SHARES = {Kind.COPIED: 80, Kind.PROVEN: 3, Kind.EMPTY: 8, Kind.CUT: 7, Kind.BACK: 2}
STAGES = (Kind.PROVEN, Kind.BACK)  # these go through whole stages


def kind_of(seed: int) -> Kind:
    """Which kind of schedule a seed gives: so many of each in a hundred, in random order."""
    deck = random.Random(f"kinds {seed // 100}").sample([*SHARES], 100, counts=SHARES.values())
    return deck[seed % 100]
