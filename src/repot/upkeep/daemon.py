"""Runs tasks when they are due, until it is stopped."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Event, Lock

import psycopg

from repot.model.errors import Refused, RepotError, UsageError
from repot.model.upkeep import Due, Task, Upkeep
from repot.postgres.connect import Connection
from repot.upkeep.clock import Clock, ServerClock
from repot.upkeep.notice import Notice, What
from repot.upkeep.registering import ensure, register
from repot.upkeep.run import run_task
from repot.upkeep.schedule import next_due
from repot.upkeep.session import open_session
from repot.upkeep.standing import pending
from repot.upkeep.watch import Watch

LOOK_EVERY = timedelta(minutes=1)  # at least: files change, clocks are set, machines sleep
PARALLEL = 2  # a backup that takes an hour must not hold up what is due at midnight
_LONGEST_PAUSE = 60.0  # seconds between two tries to connect


class Daemon:
    """Several may run, on one machine or many: each run is done by one of them.

    tell: gets what happens, from several threads.
    look_every: how long it sleeps at most.
    executor: runs the tasks; by default threads, so many that PARALLEL tasks run beside each other.

    Raises as `load_upkeep` does.
    """

    def __init__(
        self,
        dsn: str,
        folder: Path,
        tell: Callable[[Notice], None],
        *,
        clock: Clock | None = None,
        executor: Executor | None = None,
        look_every: timedelta = LOOK_EVERY,
    ) -> None:
        self._dsn, self._tell = dsn, tell
        self._watch = Watch(folder)
        self._clock = clock or ServerClock()
        self._executor = executor or ThreadPoolExecutor(PARALLEL, "repot upkeep")
        self._look_every = look_every
        self._stopped, self._wake = Event(), Event()
        self._busy: set[str] = set()
        self._lock = Lock()
        self._conn: Connection | None = None
        self._tries = 0

    def stop(self) -> None:
        """End after the tasks that run now; may be called from a signal's handler."""
        self._stopped.set()
        self._wake.set()

    def run(self) -> None:
        """Work until stopped. Raises Refused where rights are missing."""
        self._say(What.STARTED, f"{len(self._enabled())} tasks, times of {self._upkeep.time_zone}")
        try:
            while not self._stopped.is_set():
                self._wake.clear()
                self._step()
            self._say(What.STOPPING, "tasks that run now are waited for")
        finally:
            self._executor.shutdown(wait=True, cancel_futures=True)
            self._disconnect()
        self._say(What.STOPPED, "no task runs")

    def _step(self) -> None:
        """Look once, start what is due, and sleep until there is more."""
        try:
            conn = self._connected()
            self._clock.look(conn)
            self._reload(conn)
            for due in pending(conn, self._upkeep, self._clock.now()):
                self._start(due)
        except (psycopg.Error, RepotError) as failed:
            if isinstance(failed, RepotError) and failed.code != "connection-failed":
                raise
            self._pause(failed)
            return
        self._sleep()

    def _sleep(self) -> None:
        now = self._clock.now()
        zone = self._upkeep.time_zone
        times = [next_due(task.cron, zone, now) for task in self._enabled()]
        until = min([now + self._look_every, *(at for at in times if at is not None)])
        if not self._stopped.is_set():
            self._clock.wait(until, self._wake)

    def _start(self, due: Due) -> None:
        with self._lock:
            if due.task in self._busy:
                return
            self._busy.add(due.task)
        self._executor.submit(self._work, self._upkeep, due)

    def _work(self, upkeep: Upkeep, due: Due) -> None:
        again = False
        try:
            entry = run_task(self._dsn, upkeep, due, stopped=self._stopped.is_set)
            if entry is not None:  # else another runner has it
                again = True  # the next due time may have passed meanwhile
                told = f"{due.task}: {entry.state.value}" + (
                    f": {entry.summary}" if entry.summary else ""
                )
                self._tell(Notice(what=What.RAN, at=self._clock.now(), text=told, entry=entry))
        except Exception as failed:  # noqa: BLE001 - no task may end the daemon
            self._say(What.TROUBLE, f"{due.task}: {_first_line(failed)}")
        finally:
            with self._lock:
                self._busy.discard(due.task)
            if again:
                self._wake.set()

    def _reload(self, conn: Connection) -> None:
        try:
            fresh = self._watch.fresh()
            if fresh is not None:
                register(conn, fresh, self._clock.now())
                self._watch.accept(fresh)
                self._say(What.RELOADED, f"upkeep.toml: {len(self._enabled())} tasks")
        except (UsageError, Refused) as wrong:
            said = "; ".join(wrong.evidence.splitlines()) or wrong.message
            self._say(What.IGNORED, f"upkeep.toml has changed, and cannot be used: {said}")

    def _connected(self) -> Connection:
        if self._conn is None or self._conn.closed:
            self._conn = open_session(self._dsn)
            ensure(self._conn)
            self._clock.look(self._conn)
            register(self._conn, self._upkeep, self._clock.now())
            if self._tries:
                self._say(What.BACK, "connected again")
            self._tries = 0
        return self._conn

    def _disconnect(self) -> None:
        if self._conn is not None:
            self._conn.close()
            self._conn = None

    def _pause(self, failed: Exception) -> None:
        self._disconnect()
        longest = min(_LONGEST_PAUSE, 2.0**self._tries)
        self._tries += 1
        seconds = random.uniform(0.5, 1.0) * longest  # several must not come back in step
        self._say(What.TROUBLE, f"{_first_line(failed)}; tried again in {seconds:.1f} s")
        self._wake.wait(seconds)

    @property
    def _upkeep(self) -> Upkeep:
        return self._watch.upkeep

    def _enabled(self) -> list[Task]:
        return [task for task in self._upkeep.tasks if task.enabled]

    def _say(self, what: What, text: str) -> None:
        self._tell(Notice(what=what, at=self._clock.now(), text=text))


def _first_line(failed: Exception) -> str:
    said = failed.message if isinstance(failed, RepotError) else str(failed)
    return next(iter(said.strip().splitlines()), type(failed).__name__)
