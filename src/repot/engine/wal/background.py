"""Reading the WAL while something else takes its time: a slot that nobody reads fills the disk, and
what the copy itself writes would have to be read in one go afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

import psycopg

from repot.engine.session import Session
from repot.engine.wal.pump import pump, sources
from repot.model.errors import RepotError

PAUSE = 2.0  # seconds between looks


@contextmanager
def reading(session: Session) -> Iterator[None]:
    """Log what the WAL tells, every few seconds, until the block ends. If that fails for good, the
    error is raised at the end of the block: RepotError `wal-slot-lost`."""
    if not session.plan.capture.wal:
        yield
        return
    stop, failed = Event(), list[RepotError]()
    thread = Thread(target=_read, args=(session, stop, failed), name="repot wal", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
    if failed:
        raise failed[0]


def _read(session: Session, stop: Event, failed: list[RepotError]) -> None:
    run = session.run.id
    while not stop.is_set():
        try:
            with session.connect("repot copy") as conn:
                captured = sources(conn, run, session.plan)
                while captured and not stop.wait(PAUSE):
                    while pump(conn, run, captured).more and not stop.is_set():
                        pass
                if not captured:
                    return
        except RepotError as wrong:
            if wrong.code not in ("connection-failed", "wal-slot-busy"):
                failed.append(wrong)
                return
            stop.wait(PAUSE)
        except psycopg.OperationalError:
            stop.wait(PAUSE)
