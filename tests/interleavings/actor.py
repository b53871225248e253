"""A session of a schedule: a thread that stops before every statement until it has its turn."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import psycopg
from psycopg import sql

from repot.postgres.patience import Patience

if TYPE_CHECKING:
    from interleavings.connections import Stepping

PAUSE = 4  # turns of others for which a session that sleeps is passed over
TICK = 0.001  # seconds that a statement takes

_here = threading.local()


class Stopped(BaseException):
    """Raised in an actor's thread when the schedule is given up."""


@dataclass
class Event:
    """One step of the trace: a statement as it was given to the driver, or words."""

    actor: str
    what: Any

    def __str__(self) -> str:
        return f"{self.actor:10} {text_of(self.what)}"


class Actor:
    """A session, or several that work as one, driven by `body`."""

    def __init__(
        self, name: str, body: Callable[[Actor], None], places: Sequence[str] = ("commit",)
    ) -> None:
        """places: pieces of the statements before which it is worth stopping."""
        self.name, self.body, self.places = name, body, places
        self.connections: dict[int, Stepping] = {}  # by process id
        self.failure: BaseException | None = None
        self.state = "new"  # running, ready, blocked, done
        self.next: Any = None  # what it will do when it is let go
        self.stall: int | str | None = None  # after so many statements, or before one with this
        self.stalled = False  # it is there: it goes on when no other can
        self.landmark: str | None = None  # a piece of some statements, where others may begin
        self.passed = 0  # how often it has come to one
        self.condition: Callable[[], bool] | None = None  # it has no turn before this is so
        self.asleep = 0  # turns of others until it goes on
        self.count = 0  # statements so far
        self.ended = False  # since it was let go, it may have given back locks
        self.arrivals: SimpleQueue[Actor] | None = None
        self.trace: list[Event] = []
        self.stopped = False
        self._budget = 0
        self._go = threading.Semaphore(0)
        self._door = threading.Lock()  # a stage may have threads of its own
        self.thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self, arrivals: SimpleQueue[Actor], trace: list[Event]) -> None:
        """Go to the first point."""
        self.arrivals, self.trace, self.state = arrivals, trace, "running"
        self.thread.start()

    def point(self, what: Any, *, ends: bool = False) -> None:
        """Called in the actor's thread before it does `what`: waits for its turn. ends: it may give
        back locks, and whoever gets them must not go on beside it: it stops again afterwards."""
        with self._door:
            if self.arrivals is None:
                return
            if not self.stalled and self._stalls(what):
                self.stalled, self._budget = True, 0
            if self.landmark is not None and self.landmark in text_of(what):
                self.passed += 1
                self.asleep, self._budget = 3 * PAUSE, 0
            if self._budget <= 0 or is_commit(what):
                self.next = what
                self.arrivals.put(self)
                self._go.acquire()
            self._budget -= 1
            self.count += 1
            if ends:
                self.gave_back()
            if self.stopped:
                raise Stopped
            self.trace.append(Event(self.name, what))

    def _stalls(self, what: Any) -> bool:
        if isinstance(self.stall, int):
            return self.count >= self.stall
        return self.stall is not None and self.stall in text_of(what)

    def gave_back(self) -> None:
        """It has given back locks, or is about to."""
        self._budget, self.ended = 0, True

    def wait_until(self, condition: Callable[[], bool]) -> None:
        """Wait, without a turn, until others have brought the condition about."""
        while not condition():
            self.condition, self._budget = condition, 0
            self.point("waited")

    def pause(self, turns: int = PAUSE) -> None:
        """Sleep: others have some turns."""
        self.asleep, self._budget = turns, 0
        self.point("slept")

    def note(self, text: str) -> None:
        """A line in the trace."""
        self.trace.append(Event(self.name, text))

    def release(self, statements: int) -> None:
        """Let it go on for so many statements."""
        self._budget, self.ended, self.condition = statements, False, None
        self.state = "running"
        self._go.release()

    def go_on(self) -> None:
        """It is slow and sleepy no more."""
        self.stall, self.stalled, self.asleep = None, False, 0

    def halt(self) -> None:
        """Let it stop at the next statement."""
        self._budget = 0

    def _run(self) -> None:
        _here.actor = self
        try:
            self.point("begins")
            self.body(self)
        except Stopped:
            pass
        except BaseException as failure:  # noqa: BLE001 - looked at by whoever made the schedule
            self.failure = failure
        self.ended, self.state = True, "done"
        assert self.arrivals is not None
        self.arrivals.put(self)


@contextmanager
def no_clock() -> Iterator[None]:
    """Actors do not sleep by the clock, but for turns of the others, and what they take for the time
    is how many statements they have run."""
    sleep, monotonic = time.sleep, time.monotonic

    def now() -> float:
        actor = getattr(_here, "actor", None)
        return monotonic() if actor is None else actor.count * TICK

    def sleeping(seconds: float) -> None:
        actor = getattr(_here, "actor", None)
        if actor is None:
            sleep(seconds)
        else:
            actor.pause()

    def waiting(_patience: Patience, conn: psycopg.Connection[Any]) -> None:
        actor = getattr(conn, "actor", None)
        assert actor is not None
        actor.pause()

    with (
        patch.object(time, "sleep", sleeping),
        patch.object(time, "monotonic", now),
        patch.object(Patience, "wait", waiting),
    ):
        yield


class Signal(threading.Event):
    """An event that an actor waits for by turns."""

    def wait(self, timeout: float | None = None) -> bool:
        if not self.is_set():
            _here.actor.pause(2 * PAUSE)
        return self.is_set()


def text_of(what: Any) -> str:
    """A statement as text, on one line."""
    if isinstance(what, bytes):
        what = what.decode()
    elif isinstance(what, sql.Composable):
        what = what.as_string(None)
    return " ".join(str(what).split())


def is_commit(what: Any) -> bool:
    """Whether the step is a COMMIT."""
    return what in ("commit", b"commit")
