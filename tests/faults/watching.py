"""Watches the statements that pass through the driver, and stops the process at one of them.

Repot knows nothing of the stops: it is this process that looks.
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import signal
import socket
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import psycopg

COMMIT = "^commit"
PATIENCE_S = 100.0  # longer than the program waits for a server that is away
When = Literal["before", "during", "after"]


@dataclass(frozen=True)
class Stop:
    """The `nth` time that statements matching `trail` have followed each other on a connection.

    before: the last of them is not sent. during: it is sent, its answer lost. after: the answer
    has come. hold: None: the process is killed there (SIGKILL, by itself); else it waits
    there, having made the file `hold`, until that is gone again.
    """

    trail: tuple[str, ...]
    when: When
    nth: int = 1
    hold: Path | None = None

    def __str__(self) -> str:
        return f"{self.when} {' … '.join(self.trail)}" + f" ({self.nth})" * (self.nth > 1)


Look = Callable[[object, str], "Callable[[When], None] | None"]


class Watcher:
    """Which statement is the one."""

    def __init__(self, stop: Stop) -> None:
        self._stop, self._count = stop, 0
        self._trail = [re.compile(p, re.IGNORECASE | re.DOTALL) for p in stop.trail]
        self._reached: dict[int, int] = {}
        self._lock = threading.Lock()

    def __call__(self, conn: object, text: str) -> Callable[[When], None] | None:
        with self._lock:
            at = self._reached.get(id(conn), 0)
            if not self._trail[at].search(text):
                return None
            self._reached[id(conn)] = (at + 1) % len(self._trail)
            if at + 1 < len(self._trail):
                return None
            self._count += 1
            return partial(self._fire, conn) if self._count == self._stop.nth else None

    def _fire(self, conn: Any, when: When) -> None:
        if when != self._stop.when:
            return
        if self._stop.hold is None:
            os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(60)
        else:
            if when == "during" and self._stop.trail[-1] == COMMIT:
                select.select([conn.pgconn.socket], [], [], PATIENCE_S)  # it is done, then
            self._stop.hold.touch()
            while self._stop.hold.exists():
                time.sleep(0.002)
            if when == "during":
                _lose_answer(conn.pgconn.socket)


def _lose_answer(number: int) -> None:
    """What a server has said before it went away is in the socket: it was never said."""
    ended = select.poll()
    ended.register(number, select.POLLHUP)
    if not ended.poll(0):
        return  # another server's, which is there
    with socket.socket(fileno=os.dup(number)) as left, contextlib.suppress(OSError):
        left.setblocking(False)
        while left.recv(65536):
            pass


def watch(look: Look) -> None:
    """Every statement passes by `look`, the driver's own BEGIN and COMMIT among them."""
    execute, command = psycopg.Cursor._execute_gen, psycopg.Connection._exec_command

    def watched_execute(self: Any, query: Any, params: Any = None, **options: Any) -> Any:
        text = _text(query, self) + (f" -- {params!r}" if params else "")
        fire = look(self.connection, text)
        return _through(execute(self, query, params, **options), fire)

    def watched_command(self: Any, text: Any, *args: Any) -> Any:
        return _through(command(self, text, *args), look(self, _text(text, self)))

    psycopg.Cursor._execute_gen = watched_execute  # type: ignore[method-assign]
    psycopg.Connection._exec_command = watched_command  # type: ignore[method-assign]


def _text(query: Any, context: Any) -> str:
    if isinstance(query, bytes):
        return query.decode()
    return query if isinstance(query, str) else str(query.as_string(context))


def _through(
    inner: Generator[Any, Any, Any], fire: Callable[[When], None] | None
) -> Generator[Any, Any, Any]:
    """What the driver's generator does; it waits for the first time when all has been sent."""
    if fire is None:
        return (yield from inner)
    fire("before")
    try:
        wanted = next(inner)
        fire("during")
        while True:
            wanted = inner.send((yield wanted))
    except StopIteration as ended:
        fire("after")
        return ended.value
