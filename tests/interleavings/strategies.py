"""Which actor goes on, and for how many statements.

Several ways, as one finds what the others miss: random walks by transactions, by parts of them, by
statements, with one session that is slow, and priorities that change at a few random points
(Burckhardt and others, "A randomized scheduler with probabilistic guarantees of finding bugs",
ASPLOS 2010).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from itertools import pairwise

from interleavings.actor import Actor, is_commit

MOST_STEPS = 20_000

Choose = Callable[[list[Actor]], tuple[Actor, int]]


def choosing(rng: random.Random, actors: Sequence[Actor], *, serial: bool) -> Choose:
    """One of the ways, drawn; serial: each actor to its end, in the order given."""
    if serial:
        return lambda ready: (ready[0], MOST_STEPS)
    kind = rng.random()
    if kind < 0.1:
        return _Priorities(rng, actors)
    if kind < 0.5:
        # One of them is slow: it stops somewhere, and goes on when the others are done or wait.
        for actor in rng.sample([*actors], rng.choice([1, 1, 2])):
            actor.stall = rng.choice([rng.randint(2, 8), rng.randint(8, 70), *actor.places])
        return _Walk(rng, [5, 20, MOST_STEPS], 0.1)
    if kind < 0.7:  # whole transactions, which stop before the COMMIT
        return _Walk(rng, [MOST_STEPS], 0.1)
    if kind < 0.9:
        return _Walk(rng, [2, 5, 10, 20, 40], rng.choice([0.2, 0.5]))
    return _Walk(rng, [1, 1, 2, 5], rng.choice([0.0, 0.1]))


def _awake(ready: Sequence[Actor]) -> list[Actor]:
    """Those whose turn it may be: who is slow goes on when all others sleep."""
    for actor in ready:
        actor.asleep -= 1
    awake = [a for a in ready if a.asleep <= 0]
    return [a for a in awake if not a.stalled] or awake or [*ready]


class _Walk:
    """Random steps. Some sleep, above all before a COMMIT: what is wrong mostly shows around a
    transaction that is slow to end."""

    def __init__(self, rng: random.Random, bursts: Sequence[int], sleepy: float) -> None:
        self._rng, self._bursts, self._sleepy = rng, bursts, sleepy

    def __call__(self, ready: list[Actor]) -> tuple[Actor, int]:
        rng = self._rng
        awake = _awake(ready)
        actor = rng.choice(awake)
        if len(ready) > 1 and rng.random() < (0.4 if is_commit(actor.next) else self._sleepy):
            actor.asleep = rng.choice([3, 10, 30])
            actor = rng.choice([a for a in awake if a is not actor] or [actor])
        return actor, rng.choice(self._bursts)


class _Priorities:
    """Whoever is first in a random order, until a random point, from which on he is the last."""

    def __init__(self, rng: random.Random, actors: Sequence[Actor]) -> None:
        order = [a.name for a in actors]
        rng.shuffle(order)
        self._priority = {name: n for n, name in enumerate(order)}
        length = rng.choice([10, 30, 100, 200])
        at = sorted(rng.randrange(1, length) for _ in range(rng.randint(1, 4)))
        self._changes = [b - a for a, b in pairwise([0, *at])]
        self._until, self._lowest = self._changes.pop(0), -1
        self._actors, self._seen = actors, 0

    def __call__(self, ready: list[Actor]) -> tuple[Actor, int]:
        seen = sum(a.count for a in self._actors)
        self._until -= seen - self._seen
        self._seen = seen
        ready = _awake(ready)
        actor = max(ready, key=lambda a: self._priority[a.name])
        while self._until <= 0:
            self._priority[actor.name] = self._lowest
            self._lowest -= 1
            self._until += self._changes.pop(0) if self._changes else MOST_STEPS
            actor = max(ready, key=lambda a: self._priority[a.name])
        return actor, self._until
