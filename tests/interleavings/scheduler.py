"""A seeded scheduler of database sessions: who goes on, and for how many statements.

Its actors stop before every statement and every COMMIT, and go on when it says so: one at a time,
so that a seed always gives the same order. A statement that waits for a lock is left waiting while
others go on; the server itself says who waits (pg_locks), and, once a lock is free, who has it now.

No clock decides anything. How long a statement with a lock_timeout waits is drawn: it ends when the
scheduler says so, and so does one of the statements that wait for each other (as Repot's timeouts
are far below deadlock_timeout, it is one with a timeout where there is any). The server is told to
cancel it, and the driver's error is the one that the server would have given. A process that waits
is stopped (SIGSTOP) until it is its turn: one COMMIT may free several, which would race otherwise.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any

import psycopg
from psycopg import errors

from interleavings.actor import Actor, Event, is_commit
from interleavings.strategies import MOST_STEPS, choosing

PATIENCE = 60.0  # seconds that nobody arrives before the schedule counts as stuck
LOOK = 0.002  # seconds after which it is asked whether a statement waits for a lock, at first
TIMEOUTS = 0.1  # of the steps at which a statement with a timeout waits


class Stuck(AssertionError):
    """No actor can go on."""


@dataclass
class Scheduler:
    """`monitor` sees the locks of the actors' sessions; it must not be used by anybody else."""

    rng: random.Random
    monitor: psycopg.Connection[Any]
    at_rest: Callable[[], None] | None = None  # called between steps, after some commits
    rest_every: float = 0.0  # its probability after one
    trace: list[Event] = field(default_factory=list)
    serial: bool = False  # each actor to its end, in the order given
    steps: int = 0

    def run(self, actors: Sequence[Actor]) -> None:
        """Until all actors are done, or one has failed. Raises Stuck, and what `at_rest` raises."""
        self.actors = list(actors)
        self._arrivals: SimpleQueue[Actor] = SimpleQueue()
        self._waits: dict[str, dict[int, set[str]]] = {}  # who waits for whom, by process
        self._blocked: list[str] = []  # in the order in which they came to wait
        self._held: dict[str, set[int]] = {}  # their processes
        self._ending: Actor | None = None  # its wait was ended; the server may not have seen to it
        choose = choosing(self.rng, self.actors, serial=self.serial)
        try:
            for actor in self.actors:
                actor.start(self._arrivals, self.trace)
            self._settle(self.actors)
            while any(a.state != "done" for a in self.actors):
                if any(a.failure for a in self.actors):
                    return
                self.steps += 1
                if self.steps > MOST_STEPS:
                    raise Stuck(f"not done after {MOST_STEPS} steps")
                ready = [a for a in self.actors if self._may_go(a)]
                if self._end_a_wait(ready):
                    continue
                if not ready:
                    raise Stuck("nobody can go on")
                actor, statements = choose(ready)
                done = actor.next
                actor.release(statements)
                self._settle([actor])
                rests = is_commit(done) and self.rng.random() < self.rest_every
                if self.at_rest is not None and rests:
                    self.at_rest()
        finally:
            self._stop()

    @staticmethod
    def _may_go(actor: Actor) -> bool:
        return actor.state == "ready" and (actor.condition is None or actor.condition())

    # -- waits that end without a lock

    def _end_a_wait(self, ready: Sequence[Actor]) -> bool:
        """End one where statements wait for each other, where nobody else can go on, and now and
        then; whether there was one."""
        limited = [n for n in self._blocked if self._process(n, limited=True)]
        circle = _cycle({n: set().union(*self._waits[n].values()) for n in self._blocked})
        if circle:
            hasty = [n for n in limited if n in circle]
            name = self.rng.choice(hasty or circle[-1:])
        elif limited and (not ready or self.rng.random() < TIMEOUTS):
            hasty, name = limited, self.rng.choice(limited)
        else:
            return False
        actor = self._named(name)
        error = errors.LockNotAvailable if hasty else errors.DeadlockDetected
        process = self._process(name, limited=bool(hasty))
        assert process is not None
        actor.note(f"-- {error.__name__}")
        actor.connections[process].ends_with = error
        actor.gave_back()
        for other in self.actors:
            if other.name in self._waits[name][process]:
                other.go_on()  # or the next wait ends as this one
        self.monitor.execute("select pg_catalog.pg_cancel_backend(%s)", (process,))
        self._go_on(actor)
        self._ending = actor
        self._settle([actor])
        self._ending = None
        return True

    def _hold(self, actor: Actor) -> None:
        """It waits for a lock."""
        actor.note("-- waits")
        actor.state = "blocked"
        actor.halt()
        self._blocked.append(actor.name)
        self._held[actor.name] = set(self._waits[actor.name])
        _signal(self._held[actor.name], signal.SIGSTOP)

    def _go_on(self, actor: Actor) -> None:
        """It waits no more, or not for a lock that is held."""
        actor.state = "running"
        self._blocked.remove(actor.name)
        _signal(self._held.pop(actor.name), signal.SIGCONT)

    def _process(self, name: str, *, limited: bool) -> int | None:
        """The process of the actor that waits; limited: one with a timeout."""
        actor = self._named(name)
        for process in sorted(self._waits.get(name, ())):
            conn = actor.connections.get(process)
            if conn is not None and (conn.limited or not limited):
                return process
        return None

    def _named(self, name: str) -> Actor:
        return next(a for a in self.actors if a.name == name)

    # -- who has arrived, who waits for a lock

    def _settle(self, loose: Sequence[Actor]) -> None:
        """Until every actor has stopped at a point, is done, or waits for a lock of another.
        loose: those that were let go; what others wait for can only come from them."""
        begun, look, loose = time.monotonic(), LOOK, [*loose]
        while True:
            moving = [a for a in self.actors if a.state == "running"]
            if moving and self._arrival(look):
                continue
            if not moving and not (self._blocked and any(a.ended for a in loose)):
                return
            self._waits = self._waiting_for(moving)
            for actor in moving:
                # It may have arrived since it was looked at.
                waits = actor.name in self._waits and actor is not self._ending
                if waits and actor.state == "running":
                    self._hold(actor)
            if not moving:
                freed = [n for n in self._blocked if n not in self._waits]
                if not freed:
                    return
                loose.append(self._named(freed[0]))
                self._go_on(loose[-1])
            look = min(look * 2, 0.05) if moving else LOOK
            if time.monotonic() - begun > PATIENCE:
                raise Stuck(f"{[a.name for a in moving]} did not come back")

    def _arrival(self, seconds: float) -> bool:
        try:
            actor = self._arrivals.get(timeout=seconds)
        except Empty:
            return False
        if actor.state != "done":
            actor.state = "ready"
        return True

    def _waiting_for(self, moving: Sequence[Actor]) -> dict[str, dict[int, set[str]]]:
        """Who of these, and of those that waited, waits for a lock, and for whom."""
        actors = [*moving, *(self._named(n) for n in self._blocked)]
        owner = {pid: a.name for a in actors for pid in tuple(a.connections)}
        everyone = {pid: a.name for a in self.actors for pid in tuple(a.connections)}
        rows = self.monitor.execute(
            "select distinct pid, pg_catalog.pg_blocking_pids(pid) from pg_catalog.pg_locks"
            " where not granted and pid = any (%s)",
            (list(owner),),
        ).fetchall()
        found: dict[str, dict[int, set[str]]] = {}
        for pid, blockers in rows:
            names = {everyone[b] for b in blockers if b in everyone}
            found.setdefault(owner[pid], {})[pid] = names
        return found

    def _stop(self) -> None:
        """Ends the threads, whatever they are at."""
        for processes in self._held.values():
            _signal(processes, signal.SIGCONT)
        for actor in self.actors:
            actor.stopped = True
        for actor in self.actors:
            while actor.thread.is_alive():
                for pid in tuple(actor.connections):
                    self.monitor.execute("select pg_catalog.pg_cancel_backend(%s)", (pid,))
                actor.release(MOST_STEPS)
                actor.thread.join(0.02)


def _signal(processes: Iterable[int], number: int) -> None:
    for process in processes:
        with suppress(ProcessLookupError):
            os.kill(process, number)


def _cycle(graph: dict[str, set[str]]) -> list[str]:
    """Those who wait for each other, or for such; in the order given."""
    left = dict(graph)
    while free := [n for n, on in left.items() if not on & left.keys()]:
        for name in free:
            del left[name]
    return list(left)
