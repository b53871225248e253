"""Pushing aside, on request only, the sessions that hold what the swap waits for."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg

from repot.engine.swap.sql import load
from repot.postgres.connect import Connection

_POLL_S = 0.02


@dataclass(frozen=True)
class Pushed:
    """A session that was cancelled (its statement) or ended (it was idle in a transaction)."""

    pid: int
    application: str
    how: str
    done: bool

    def __str__(self) -> str:
        outcome = self.how if self.done else f"could not be {self.how}"
        return f"pid {self.pid} ({self.application or 'no name'}) {outcome}"


@contextmanager
def pushing(watcher: Connection | None, waiter: int, grace_s: float) -> Iterator[list[Pushed]]:
    """While the block runs, cancel whoever has blocked backend `waiter` for longer than `grace_s`
    since the block began. Without a watcher (a connection of its own) nothing happens.

    Repot's own sessions are spared. Yields the list of those pushed aside.
    """
    pushed: list[Pushed] = []
    if watcher is None:
        yield pushed
        return
    stop = threading.Event()
    thread = threading.Thread(target=_watch, args=(watcher, waiter, grace_s, stop, pushed))
    thread.start()
    try:
        yield pushed
    finally:
        stop.set()
        thread.join()


def _watch(
    watcher: Connection, waiter: int, grace_s: float, stop: threading.Event, pushed: list[Pushed]
) -> None:
    if stop.wait(grace_s):
        return
    while not stop.is_set():
        try:
            rows = watcher.execute(load("push_blockers.sql"), {"pid": waiter}).fetchall()
        except psycopg.Error:
            return  # the swap goes on without it and says who is in the way
        for pid, application, how, done in rows:
            pushed.append(Pushed(int(str(pid)), str(application or ""), str(how), bool(done)))
        stop.wait(_POLL_S)
