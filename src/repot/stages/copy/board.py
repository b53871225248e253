"""What is to be done, in which order, by several workers: rows first, largest table first; then
indexes, keys and foreign keys, each as soon as what it needs is there."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from repot.postgres.connect import Connection
from repot.stages.copy.fill import Fill, Run

Work = Callable[[Connection], None]


@dataclass(frozen=True)
class Job:
    """`key` is done when `work` returns. It waits for all of `needs`, and for every running job
    with which it shares a name in `alone` (two pieces of DDL on one table would only wait for each
    other inside the server). Lower `rank` first, then greater `weight`."""

    key: str
    work: Work
    needs: frozenset[str] = frozenset()
    alone: frozenset[str] = frozenset()
    rank: int = 0
    weight: float = 0.0


class Later(Exception):
    """Raised by a job's work: this job takes its place."""

    def __init__(self, job: Job) -> None:
        super().__init__(job.key)
        self.job = job


@dataclass
class Board:
    """Shared by the workers. `copy_run` copies one run of a table's units and notes it."""

    workers: int
    chunk_seconds: float
    copy_run: Callable[[Connection, Fill, Run], None]
    failure: BaseException | None = None
    stopped: threading.Event = field(default_factory=threading.Event)
    _jobs: list[Job] = field(default_factory=list)
    _fills: list[Fill] = field(default_factory=list)
    _done: set[str] = field(default_factory=set)
    _running: list[Job] = field(default_factory=list)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def add(self, *jobs: Job) -> None:
        with self._changed:
            self._jobs.extend(jobs)
            self._changed.notify_all()

    def add_fill(self, fill: Fill) -> None:
        """A table whose units are known; `rows:<table>` is done when all of them are."""
        with self._changed:
            self._fills.append(fill)
            if fill.finished:
                self._done.add(rows_key(fill.name))
            self._changed.notify_all()

    def completed(self, fill: Fill, run: Run, rows: int, seconds: float) -> None:
        """Called by `copy_run` once the run is committed."""
        with self._changed:
            fill.complete(run, rows, seconds)
            if fill.finished:
                self._done.add(rows_key(fill.name))
            self._changed.notify_all()

    def returned(self, fill: Fill, run: Run, still_open: set[int]) -> None:
        """Another session had done (some of) the run: these units of it are open again."""
        with self._changed:
            fill.open |= still_open
            fill.complete(run, 0, 0.0)
            if fill.finished:
                self._done.add(rows_key(fill.name))
            self._changed.notify_all()

    def take(self) -> Job | None:
        """The next job, waiting for one if need be; None: all is done, or the work has stopped."""
        with self._changed:
            while not self.stopped.is_set():
                job = self._ready_job(urgent=True) or self._ready_run() or self._ready_job()
                if job is not None:
                    self._running.append(job)
                    return job
                if not self._running:
                    assert not self._jobs, f"nothing can start: {[j.key for j in self._jobs]}"
                    return None
                self._changed.wait()
            return None

    def finished(self, job: Job) -> None:
        with self._changed:
            self._running.remove(job)
            self._done.add(job.key)
            self._changed.notify_all()

    def postponed(self, job: Job, instead: Job) -> None:
        """`instead`, which has the same key, will be done when what it needs is there."""
        with self._changed:
            self._running.remove(job)
            self._jobs.append(instead)
            self._changed.notify_all()

    def stop(self, failure: BaseException) -> None:
        """Nothing new is begun; the first failure is kept."""
        with self._changed:
            if self.failure is None:
                self.failure = failure
            self.stopped.set()
            self._changed.notify_all()

    def _ready_job(self, *, urgent: bool = False) -> Job | None:
        """Urgent jobs (rank below 0) open the way for rows."""
        busy = {name for job in self._running for name in job.alone}
        ready = [
            job
            for job in self._jobs
            if job.needs <= self._done
            and not job.alone & busy
            and (job.rank < 0 if urgent else True)
        ]
        if not ready:
            return None
        job = min(ready, key=lambda j: (j.rank, -j.weight))
        self._jobs.remove(job)
        return job

    def _ready_run(self) -> Job | None:
        fills = [f for f in self._fills if f.open]
        if not fills:
            return None
        fill = max(fills, key=Fill.seconds_left)
        run = fill.next_run(self.chunk_seconds, self.workers if len(fills) == 1 else 1)
        assert run is not None
        return Job(
            f"run:{fill.name}:{run.first}", lambda conn: self.copy_run(conn, fill, run), rank=0
        )


def rows_key(table: str) -> str:
    """The key that stands for all rows of a table."""
    return f"rows:{table}"
